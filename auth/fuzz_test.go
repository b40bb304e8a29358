package auth_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"net/netip"
	"strings"
	"testing"

	"edged/auth"
)

// FuzzFind checks that what is left of a target holds no token any more, and
// that tokens are cut out of the input, not made up.
func FuzzFind(f *testing.F) {
	for _, seed := range [][3]string{
		{"/ect=T/a", "x=1", "ect=U"},
		{"/a", "b=1&ect=T&c", ""},
		{"/a", "", "ect=1; ect=2;ect=3 ;x;ect=4"},
		{"/%65ct%3dT/ECT=U/", "%65ct&ect=&&=&", "ect==;;=;ect"},
		{"", "&", ";"},
		{"//ect=T", "ect=%zz", "ect"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), []byte(seed[2]))
	}
	scheme := site(f)
	f.Fuzz(func(t *testing.T, path, query, cookies []byte) {
		in := auth.Input{Path: path, Query: query, Cookies: cookies}
		var scratch, again auth.Scratch
		found, why := scheme.Find(&in, &scratch)
		if found.N > auth.MaxTokens || (why == auth.Allowed) != (found.N > 0) {
			t.Fatalf("%v with %d tokens", why, found.N)
		}
		for _, token := range found.Tokens[:found.N] {
			if !bytes.Contains(bytes.Join([][]byte{path, query, cookies}, nil), token) {
				t.Fatalf("token %q is not of the input", token)
			}
		}
		if len(path) > 0 && path[0] == '/' && (len(found.Path) == 0 || found.Path[0] != '/') {
			t.Fatalf("path %q left %q", path, found.Path)
		}
		rest := auth.Input{Path: found.Path, Query: found.Query}
		if f, why := scheme.Find(&rest, &again); why != auth.Missing {
			t.Fatalf("in what was left of %q ? %q, namely %q ? %q: %v", path, query, f.Path, f.Query, why)
		}
	})
}

// FuzzVerify holds the verifier against a slow one that is written another way:
// whatever is allowed must be so there too.
func FuzzVerify(f *testing.F) {
	for _, payload := range []string{
		goodPayload,
		goodPayload + "ip=198.51.100.0/24\nsid=s\ngeo=NL\nm=GET\nlim=5\nx-a=b\n",
		"exp=1767226200000\np=/\n",
		"p=\nexp=\n",
	} {
		f.Add([]byte(sign("h1", "hm", payload)), []byte(payload), []byte("/acme/vod/x"), int64(now))
		f.Add([]byte(sign("d1", "ed", payload)), []byte(payload), []byte("/"), int64(now+600))
	}
	f.Add([]byte("h1.hm.."), []byte("\n"), []byte(""), int64(-1<<63))
	scheme := site(f, func(o *auth.Options) { o.VerifiedCache = 64 })
	f.Fuzz(func(t *testing.T, token, payload, path []byte, at int64) {
		r := auth.Request{Method: []byte("GET"), Path: path, Client: netip.MustParseAddr("198.51.100.7"), Country: "NL", Now: at}
		for _, tok := range []string{string(token), sign("h1", "hm", string(payload))} {
			found := auth.Found{N: 1, Tokens: [auth.MaxTokens][]byte{[]byte(tok)}}
			if v := scheme.Verify(&found, &r); v.Reason == auth.Allowed && !plausible(tok, string(path), at) {
				t.Fatalf("token %q allows %q at %d: %+v", tok, path, at, v)
			}
		}
	})
}

// plausible reports whether an HMAC token has a right signature, a time and a
// scope that fit. Ed25519 tokens cannot be found by fuzzing: they are the seeds.
func plausible(token, path string, at int64) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 4 {
		return false
	}
	if parts[0] == "h1" {
		h := hmac.New(sha256.New, secret(map[string]byte{"hm": 1, "next": 2, "old": 3}[parts[1]]))
		h.Write([]byte(strings.Join(parts[:3], ".")))
		if parts[3] != base64.RawURLEncoding.EncodeToString(h.Sum(nil)) {
			return false
		}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[2])
	inScope, inTime := false, false
	for line := range strings.Lines(string(payload)) {
		if scope, ok := strings.CutPrefix(line, "p="); ok {
			scope = strings.TrimSuffix(scope, "\n")
			inScope = inScope || scope == path || strings.HasSuffix(scope, "/") && strings.HasPrefix(path, scope)
		}
		if exp, ok := strings.CutPrefix(line, "exp="); ok {
			end, ok := new(big.Int).SetString(strings.TrimSuffix(exp, "\n"), 10)
			if !ok {
				return false
			}
			left := new(big.Int).Sub(end, big.NewInt(at))
			inTime = left.Sign() > 0 && left.Cmp(big.NewInt(86400)) <= 0
		}
	}
	return err == nil && inScope && inTime
}
