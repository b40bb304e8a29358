package main

import (
	"fmt"
	"strings"
	"time"

	"edged/auth"
	"edged/internal/target"
)

// printCookie prints the cookie for a server to set and for a client to send.
func printCookie(s streams, token string, c auth.Claims, life time.Duration) {
	fmt.Fprintf(s.out, "Set-Cookie: ect=%s; Path=%s; Max-Age=%d; Secure; HttpOnly; SameSite=None; Partitioned\n",
		token, cookiePath(c.Scopes), int64(life/time.Second))
	fmt.Fprintf(s.out, "Cookie: ect=%s\n", token)
}

// cookiePath returns the deepest path that covers all scopes, as a browser sees
// it: encoded, and without the ';' that would end the attribute.
func cookiePath(scopes []string) string {
	common := scopes[0]
	for _, s := range scopes[1:] {
		for s != common && !(strings.HasSuffix(common, "/") && strings.HasPrefix(s, common)) {
			common = parent(common)
		}
	}
	encoded := string(target.AppendEncoded(nil, []byte(common)))
	if end := strings.IndexByte(encoded, ';'); end >= 0 {
		encoded = directory(encoded[:end])
	}
	return encoded
}

// directory returns a path up to its last slash.
func directory(p string) string { return p[:strings.LastIndexByte(p, '/')+1] }

// parent returns the directory above a file or directory; "/" has none.
func parent(p string) string { return directory(strings.TrimSuffix(p, "/")) }
