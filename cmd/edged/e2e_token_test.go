package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

func TestE2EToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const base = "http://" + signedHost
	body := r.video("/vod/movie/seg-1.m4s", 100_000)
	r.video("/vod/other/seg-1.m4s", 1000)
	url := base + "/vod/movie/seg-1.m4s"
	c := r.plain()

	t.Run("without", func(t *testing.T) {
		want(t, edgetest.Get(t, c, url), 403, nil)
		r.wantFetches(t, "/vod/movie/seg-1.m4s", 0)
	})
	signed := r.sign(t, url, "-account", "acme")
	t.Run("signed, then a hit", func(t *testing.T) {
		want(t, edgetest.Get(t, c, signed), 200, body, "fwd=uri-miss", "stored")
		want(t, edgetest.Get(t, c, signed), 200, body, "hit")
		r.wantFetches(t, "/vod/movie/seg-1.m4s", 1)
	})
	t.Run("all carriers share one object", func(t *testing.T) {
		want(t, edgetest.Get(t, c, r.sign(t, url, "-carrier", "query")), 200, body, "hit")
		cookie := cookieOf(t, r.sign(t, url, "-carrier", "cookie"))
		want(t, edgetest.Get(t, c, url, "Cookie", "theme=dark; "+cookie), 200, body, "hit")
		r.wantFetches(t, "/vod/movie/seg-1.m4s", 1)
	})
	t.Run("every protocol", func(t *testing.T) {
		for _, p := range []edgetest.Protocol{edgetest.HTTP1TLS, edgetest.HTTP2} {
			secure := strings.Replace(signed, "http:", "https:", 1)
			want(t, edgetest.Get(t, r.node.Client(p, 0), secure), 200, body, "hit")
			want(t, edgetest.Get(t, r.node.Client(p, 0), strings.Replace(url, "http:", "https:", 1)), 403, nil)
		}
	})
	t.Run("refused", func(t *testing.T) { r.refusedTokens(t, c, signed) })
	t.Run("cut out where nobody asks for one", func(t *testing.T) {
		free := r.video("/vod/free/seg-1.m4s", 1000)
		want(t, edgetest.Get(t, c, "http://"+openHost+"/vod/free/seg-1.m4s"), 200, free, "fwd=uri-miss")
		for _, u := range []string{"/ect=h1.x.y.z/vod/free/seg-1.m4s", "/vod/free/seg-1.m4s?ect=h1.x.y.z"} {
			want(t, edgetest.Get(t, c, "http://"+openHost+u), 200, free, "hit")
		}
	})
	t.Run("never reaches the origin", func(t *testing.T) {
		for _, a := range r.origin.Everything() {
			if strings.Contains(a.Target, "ect") || a.Header.Get("Cookie") != "" {
				t.Errorf("origin was asked for %s with cookie %q", a.Target, a.Header.Get("Cookie"))
			}
		}
	})
}

// refusedTokens holds that all refusals look alike, that none is asked of the
// origin, and that a hit does not make up for a bad token.
func (r *rig) refusedTokens(t *testing.T, c *http.Client, signed string) {
	const url = "http://" + signedHost + "/vod/movie/seg-1.m4s"
	fetched := len(r.origin.Everything())
	foreign := strings.Replace(r.sign(t, "http://"+otherHost+"/vod/movie/seg-1.m4s"), otherHost, signedHost, 1)
	tests := map[string]string{
		"malformed":       "http://" + signedHost + "/ect=nonsense/vod/movie/seg-1.m4s",
		"empty":           "http://" + signedHost + "/ect=/vod/movie/seg-1.m4s",
		"tampered":        tamper(signed),
		"expired":         r.sign(t, url, "-at", "2020-01-01T00:00:00Z"),
		"not yet":         r.sign(t, url, "-at", "2120-01-01T00:00:00Z"),
		"out of scope":    strings.Replace(signed, "/vod/movie/", "/vod/other/", 1),
		"other account":   foreign,
		"other address":   r.sign(t, url, "-ip", "198.51.100.0/24"),
		"in two places":   signed + "?ect=x",
		"twice in query":  r.sign(t, url, "-carrier", "query") + "&ect=x",
		"in another case": r.sign(t, url, "-carrier", "query") + "&ECT=x",
	}
	var first []byte
	for name, url := range tests {
		t.Run(name, func(t *testing.T) {
			got := edgetest.Get(t, c, url, "Origin", "https://page.example")
			want(t, got, 403, first)
			wantField(t, got, "Cache-Control", "no-store")
			wantField(t, got, "Access-Control-Allow-Origin", "*")
			first = got.Bytes
			for _, word := range []string{"expired", "scope", "signature", "denied", "hit"} {
				if strings.Contains(strings.ToLower(got.CacheStatus()), word) {
					t.Errorf("Cache-Status %q tells why", got.CacheStatus())
				}
			}
		})
	}
	if n := len(r.origin.Everything()); n != fetched {
		t.Errorf("refused requests caused %d fetches", n-fetched)
	}
}

// tamper flips one character in the middle of the token.
func tamper(signed string) string {
	i := strings.Index(signed, "ect=") + 20
	c := byte('A')
	if signed[i] == c {
		c = 'B'
	}
	return signed[:i] + string(c) + signed[i+1:]
}

// cookieOf finds the Cookie line in what edgectl printed.
func cookieOf(t *testing.T, out string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(line, "Cookie: "); ok {
			return strings.TrimSpace(v)
		}
	}
	t.Fatalf("no Cookie line in %q", out)
	return ""
}

// A token in any carrier leaves no trace in any file or in what the process says.
func TestE2ETokenLeavesNoTrace(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *edgetest.Config) { c.LogFormat = "w3c" })
	const url = "http://" + signedHost + "/vod/a.m4s"
	r.video("/vod/a.m4s", 1000)
	c := r.plain()
	signed := r.sign(t, url)
	query := r.sign(t, url, "-carrier", "query")
	cookie := cookieOf(t, r.sign(t, url, "-carrier", "cookie"))
	for _, u := range []string{
		signed, query, query + "&q=querysecret", tamper(signed), signed + "/../x", signed + "?ect=" + query[strings.Index(query, "ect=")+4:],
		query + "&ect=" + query[strings.Index(query, "ect=")+4:], strings.Replace(signed, "ect=", "ect=x", 1),
	} {
		edgetest.Get(t, c, u, "Referer", "https://page.example/watch?secret=refsecret")
		edgetest.Get(t, c, strings.Replace(u, signedHost, "unknown.test", 1))
	}
	edgetest.Get(t, c, url, "Cookie", cookie+"; session=cookiesecret")
	edgetest.Do(t, c, "DELETE", signed)
	raw := r.node.Dial()
	raw.Send("GET " + signed[len("http://"+signedHost):] + " HTTP/1.1\nHost: " + signedHost + "\nBad Field: x\n\n")
	raw.ReadAll()
	r.node.Stop()
	files := edgetest.Files(t, r.node.LogDir())
	files["stderr"] = []byte(r.node.Stderr())
	if len(files) < 2 {
		t.Fatal("there is no log file")
	}
	for name, text := range files {
		for what, secret := range map[string]string{
			"path token": piece(signed), "query token": piece(query), "cookie token": piece(cookie),
			"cookie": "cookiesecret", "referrer": "refsecret", "query": "querysecret", "key": acmeSecret, "address": "127.0.0.1 ",
		} {
			if name == "stderr" && what == "address" {
				continue // its own listeners
			}
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds the %s", name, what)
			}
		}
	}
}

// piece returns a stretch of a token's middle, as long as no other text has it.
func piece(s string) string {
	i := strings.Index(s, "ect=") + 16
	return s[i : i+12]
}
