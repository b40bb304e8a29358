package auth_test

import (
	"strings"
	"testing"

	"edged/auth"
)

func TestFind(t *testing.T) {
	tests := []struct {
		name              string
		path, query, cook string
		why               auth.Reason
		carrier           auth.Carrier
		tokens            string // joined by space
		restPath, rest    string
	}{
		{"nothing", "/a/b", "x=1&y", "z=1", auth.Missing, auth.None, "", "/a/b", "x=1&y"},
		{"path", "/ect=T/a/b", "x=1", "", auth.Allowed, auth.Path, "T", "/a/b", "x=1"},
		{"path of a directory", "/ect=T/", "", "", auth.Allowed, auth.Path, "T", "/", ""},
		{"path and no more", "/ect=T", "", "", auth.Allowed, auth.Path, "T", "/", ""},
		{"raw rest of the path", "/ect=T/a%2fb//..", "", "", auth.Allowed, auth.Path, "T", "/a%2fb//..", ""},
		{"path, empty token", "/ect=/a", "", "", auth.Malformed, auth.Path, "", "/a", ""},
		{"path, other case", "/Ect=T/a", "", "", auth.Malformed, auth.Path, "", "/a", ""},
		{"path, escaped name", "/%65ct=T/a", "", "", auth.Malformed, auth.Path, "", "/a", ""},
		{"path, escaped equals sign", "/ect%3DT/a", "", "", auth.Malformed, auth.Path, "", "/a", ""},
		{"path, twice", "/ect=T/ect=U/a", "", "", auth.Duplicate, auth.Path, "", "/a", ""},
		{"path, twice with other spelling", "/ect=T/%45CT=U/a", "", "", auth.Duplicate, auth.Path, "", "/a", ""},
		{"only the leading segment counts", "/a/ect=T/b", "", "", auth.Missing, auth.None, "", "/a/ect=T/b", ""},
		{"longer name in path", "/ects=T/b", "", "", auth.Missing, auth.None, "", "/ects=T/b", ""},
		{"name without value in path", "/ect/b", "", "", auth.Missing, auth.None, "", "/ect/b", ""},

		{"query alone", "/a", "ect=T", "", auth.Allowed, auth.Query, "T", "/a", ""},
		{"query first", "/a", "ect=T&b=2", "", auth.Allowed, auth.Query, "T", "/a", "b=2"},
		{"query last", "/a", "b=2&ect=T", "", auth.Allowed, auth.Query, "T", "/a", "b=2"},
		{"query middle", "/a", "b=%20&ect=T&c;d=3&e", "", auth.Allowed, auth.Query, "T", "/a", "b=%20&c;d=3&e"},
		{"semicolon is data", "/a", "b=2;ect=T", "", auth.Missing, auth.None, "", "/a", "b=2;ect=T"},
		{"query, empty token", "/a", "ect=", "", auth.Malformed, auth.Query, "", "/a", ""},
		{"query, no equals sign", "/a", "ect&x=1", "", auth.Malformed, auth.Query, "", "/a", "x=1"},
		{"query, other case", "/a", "ECT=T", "", auth.Malformed, auth.Query, "", "/a", ""},
		{"query, escaped name", "/a", "e%63t=T&x", "", auth.Malformed, auth.Query, "", "/a", "x"},
		{"query, twice", "/a", "ect=T&ect=T", "", auth.Duplicate, auth.Query, "", "/a", ""},
		{"query, twice in two cases", "/a", "ect=T&x=1&Ect=U", "", auth.Duplicate, auth.Query, "", "/a", "x=1"},
		{"query, longer name", "/a", "ects=T&xect=U", "", auth.Missing, auth.None, "", "/a", "ects=T&xect=U"},
		{"query, bad escape in a name", "/a", "e%6=T&%=1", "", auth.Missing, auth.None, "", "/a", "e%6=T&%=1"},
		{"path and query", "/ect=T/a", "ect=T&k=v", "", auth.TwoPlaces, auth.None, "", "/a", "k=v"},

		{"cookie", "/a", "", "ect=T", auth.Allowed, auth.Cookie, "T", "/a", ""},
		{"cookies", "/a", "q", "x=ect=N; ect=T;ect=U ;\tect=V", auth.Allowed, auth.Cookie, "T U V", "/a", "q"},
		{"cookie names keep their case", "/a", "", "ECT=T; ect", auth.Missing, auth.None, "", "/a", ""},
		{"four cookies", "/a", "", "ect=1; ect=2; ect=3; ect=4", auth.Allowed, auth.Cookie, "1 2 3 4", "/a", ""},
		{"five cookies", "/a", "", "ect=1; ect=2; ect=3; ect=4; ect=5", auth.Duplicate, auth.Cookie, "", "/a", ""},
		{"cookies are no fallback for a path", "/ect=T/a", "", "ect=C", auth.Allowed, auth.Path, "T", "/a", ""},
		{"cookies are no fallback for a bad query", "/a", "ect=", "ect=C", auth.Malformed, auth.Query, "", "/a", ""},
	}
	required := site(t)
	open := site(t, func(o *auth.Options) { o.Required = false })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := auth.Input{Path: []byte(tt.path), Query: []byte(tt.query), Cookies: []byte(tt.cook)}
			var scratch auth.Scratch
			f, why := required.Find(&in, &scratch)
			if why != tt.why || f.Carrier != tt.carrier {
				t.Errorf("Find = %v in %v, want %v in %v", why, f.Carrier, tt.why, tt.carrier)
			}
			if got := joined(&f); got != tt.tokens {
				t.Errorf("tokens %q, want %q", got, tt.tokens)
			}
			if string(f.Path) != tt.restPath || string(f.Query) != tt.rest {
				t.Errorf("left %q ? %q, want %q ? %q", f.Path, f.Query, tt.restPath, tt.rest)
			}
			f, why = open.Find(&in, &scratch)
			if why != auth.Allowed || string(f.Path) != tt.restPath || string(f.Query) != tt.rest {
				t.Errorf("on an open site: %v, left %q ? %q; want allowed and the same rest", why, f.Path, f.Query)
			}
		})
	}
}

func joined(f *auth.Found) string {
	var all []string
	for _, token := range f.Tokens[:f.N] {
		all = append(all, string(token))
	}
	return strings.Join(all, " ")
}

func TestFindLeavesInputAlone(t *testing.T) {
	in := auth.Input{Path: []byte("/ect=T/a"), Query: []byte("a=1&ect=U&b=2"), Cookies: []byte("ect=V; x")}
	path, query, cookies := string(in.Path), string(in.Query), string(in.Cookies)
	var scratch auth.Scratch
	site(t).Find(&in, &scratch)
	if string(in.Path) != path || string(in.Query) != query || string(in.Cookies) != cookies {
		t.Errorf("Find changed its input to %q %q %q", in.Path, in.Query, in.Cookies)
	}
}

func TestCarrierString(t *testing.T) {
	want := map[auth.Carrier]string{
		auth.None: "none", auth.Path: "path", auth.Query: "query", auth.Cookie: "cookie", auth.Header: "header",
		auth.Header + 1: "unknown",
	}
	for c, word := range want {
		if c.String() != word {
			t.Errorf("Carrier(%d) = %q, want %q", c, c, word)
		}
	}
}
