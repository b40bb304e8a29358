package main

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

// This file attacks what an exchange hands out, through the real listener: a session token
// opens the title that its access token was for, at its site, and nothing else.

// besides are raw paths that are not below bridgeTitle, or not in any way that one reader
// cannot take for another.
var besides = []string{
	"/", "/vod/", "/vod/title", "/vod/titles/a.m4s", "/vod/title../a.m4s", "/vod/title.m3u8", "/vod/other/a.m4s",
	"/vod/TITLE/a.m4s", "/VOD/title/a.m4s", "/vod/title%20/a.m4s", "/vod/title%09/a.m4s", "/vod/title%00/a.m4s", "/vod/titl%C3%A9/a.m4s",
	"/vod/title/../other/a.m4s", "/vod/title/%2e%2e/other/a.m4s", "/vod/title/.%2E/other/a.m4s", "/vod/title/..;/other/a.m4s",
	"/vod/title/..;x=1/other/a.m4s", "/vod/title/..%2Fother/a.m4s", "/vod/title%2F..%2Fother/a.m4s", "/vod/title/%252e%252e/other/a.m4s",
	"/vod/title/./a.m4s", "/vod/./title/a.m4s", "/vod//title/a.m4s", "//vod/title/a.m4s", "/vod/title//a.m4s", "/vod%2Ftitle/a.m4s",
	"/vod/title%2Fa.m4s", "/vod/title\\a.m4s", "/vod/title%5Ca.m4s", "/vod/title;/a.m4s", "/vod/title;x/a.m4s", "/vod;/title/a.m4s",
	"/vod/title%3B/a.m4s", "/vod/title%3F/a.m4s", "/vod/title%23/a.m4s", "/other/a.m4s?/vod/title/", "/x/vod/title/a.m4s", "/%76od/titlE/a.m4s",
	"/vod/title*", "/vod/title/..", "/vod/title/%2e%2e", "/vod/title/a/../../other.m4s", "http://HOST/vod/other/a.m4s", "http://HOST/vod/title/../other.m4s",
}

var sessionToken = regexp.MustCompile(`[/?=; ]ect=([A-Za-z0-9._-]+)`)

// TestE2ESessionAttacks exchanges a token of every scheme, and asks for what it did not open.
func TestE2ESessionAttacks(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests run the real binary; not with -short")
	}
	node, list := openBridges(t)
	a := &sessionAttack{address: node.HTTPAddress()}
	for _, b := range list {
		if b.session == "" || len(b.works) == 0 {
			continue
		}
		for _, p := range b.passes(wish{}) {
			t.Run(b.name+" from "+p.carrier, func(t *testing.T) { a.attack(t, b, list, &p) })
		}
	}
	if a.sent < 5000 {
		t.Errorf("only %d requests were sent", a.sent)
	}
}

type sessionAttack struct {
	address string
	sent    int
}

// answers sends one request and returns the answer and whether content is in it.
func (a *sessionAttack) answers(t *testing.T, raw string) (answer string, opened bool) {
	t.Helper()
	a.sent++
	got, err := converse(a.address, raw)
	if err != nil {
		t.Fatal(err)
	}
	return got, strings.Contains(got, "segment") || strings.Contains(got, "#EXTM3U") || strings.HasPrefix(got, "HTTP/1.1 2") || strings.HasPrefix(got, "HTTP/1.1 304")
}

// refused holds that a request gets no content and no other token.
func (a *sessionAttack) refused(t *testing.T, what, raw string) {
	t.Helper()
	got, opened := a.answers(t, raw)
	if opened || sessionToken.MatchString(got) || strings.HasPrefix(got, "HTTP/1.1 302") {
		t.Errorf("%s: sent %q\ngot %.300q", what, raw, got)
	}
}

func sessionGet(host, target string, fields ...string) string {
	target = strings.ReplaceAll(target, "HOST", host)
	return lines(append([]string{"GET " + target + " HTTP/1.1", "Host: " + host, "Connection: close"}, fields...)...)
}

func withQuery(target, parameter string) string {
	if strings.Contains(target, "?") {
		return target + "&" + parameter
	}
	return target + "?" + parameter
}

// attack exchanges a token and does with the session what its access token could not.
func (a *sessionAttack) attack(t *testing.T, b *bridge, all []*bridge, p *pass) {
	host := b.hostOf("acme")
	field := []string{}
	if p.field != "" {
		field = append(field, p.field)
	}
	answer, _ := a.answers(t, sessionGet(host, p.target(bridgeManifest), field...))
	var session string
	for _, m := range sessionToken.FindAllStringSubmatch(answer, -1) {
		if strings.Contains(m[1], "."+bridgeKey+".") {
			session = m[1]
		}
	}
	if session == "" {
		t.Fatalf("no exchange: %.300q", answer)
	}
	at := func(path string) []string {
		inPath := "/ect=" + session + path
		if absolute, ok := strings.CutPrefix(path, "http://HOST"); ok {
			inPath = "http://HOST/ect=" + session + absolute
		}
		return []string{sessionGet(host, inPath), sessionGet(host, withQuery(path, "ect="+session)), sessionGet(host, path, "Cookie: ect="+session)}
	}
	for _, path := range []string{bridgeTitle + "a.m4s", "/vod/titl%65/sub/a.m4s?x=1", bridgeManifest, bridgeTitle} {
		for _, raw := range at(path) {
			if got, opened := a.answers(t, raw); !opened || strings.Count(got, "Set-Cookie: ect=") != strings.Count(got, "Set-Cookie: ect="+session) {
				t.Errorf("%s: %.300q", path, got)
			}
		}
	}
	for _, path := range besides {
		for _, raw := range at(path) {
			a.refused(t, path, raw)
		}
	}
	a.misused(t, b, p, session)
	for _, other := range all {
		if other != b { // its key is the same
			a.refused(t, "at "+other.name, sessionGet(other.hostOf("acme"), "/ect="+session+bridgeTitle+"a.m4s"))
		}
	}
}

// misused puts the session in wrong places, beside others, and changes it.
func (a *sessionAttack) misused(t *testing.T, b *bridge, p *pass, session string) {
	host, file := b.hostOf("acme"), bridgeTitle+"a.m4s"
	part := strings.Split(session, ".")
	payload, err := base64.RawURLEncoding.DecodeString(part[2])
	if err != nil {
		t.Fatal(err)
	}
	forged := func(old, by string) string {
		changed := strings.ReplaceAll(string(payload), old, by)
		if changed == string(payload) {
			t.Fatalf("no %q in %q", old, payload)
		}
		return strings.Join([]string{part[0], part[1], base64.RawURLEncoding.EncodeToString([]byte(changed)), part[3]}, ".")
	}
	kid := "acme-" + b.name
	for what, raw := range map[string]string{
		"twice":             sessionGet(host, "/ect="+session+"/ect="+session+file),
		"path and query":    sessionGet(host, "/ect="+session+file+"?ect="+session),
		"two parameters":    sessionGet(host, file+"?ect="+session+"&ect="+session),
		"another case":      sessionGet(host, "/ECT="+session+file),
		"escaped name":      sessionGet(host, "/%65ct="+session+file),
		"behind a folder":   sessionGet(host, "/vod/ect="+session+"/title/a.m4s"),
		"the name of a key": sessionGet(host, "/ect="+strings.Join([]string{part[0], kid, part[2], part[3]}, ".")+file),
		"another version":   sessionGet(host, "/ect="+strings.Join([]string{"d1", part[1], part[2], part[3]}, ".")+file),
		"no stage":          sessionGet(host, "/ect="+forged("x-stage=2\n", "")+file),
		"no site":           sessionGet(host, "/ect="+forged("x-site="+host+"\n", "")+file),
		"wider":             sessionGet(host, "/ect="+forged("p=/vod/title/\n", "p=/vod/\n")+"/vod/a.m4s"),
		"longer":            sessionGet(host, "/ect="+forged("exp=1", "exp=2")+file),
		"POST":              strings.Replace(sessionGet(host, "/ect="+session+file), "GET", "POST", 1),
		"DELETE":            strings.Replace(sessionGet(host, "/ect="+session+file), "GET", "DELETE", 1),
		"bad token first":   sessionGet(host, file+"?ect=h1.x.y.z", "Cookie: ect="+session),
	} {
		a.refused(t, what, raw)
	}
	if p.token != "" && b.scheme != "ect" && p.carrier != "cookie" && p.carrier != "header" { // the one must not rescue the other
		if swapped := p.replaced(p.token, session); swapped.target(file) != p.target(file) {
			a.refused(t, "in the place of the other", sessionGet(host, swapped.target(bridgeManifest)))
		}
	}
}
