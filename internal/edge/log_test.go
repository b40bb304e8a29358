package edge

import (
	"strings"
	"testing"
	"time"

	"edged/auth"
	"edged/logfmt"
)

// lastLine asks for a target and returns its record as JSON.
func (b *bench) lastLine(target string, header ...string) string {
	b.Helper()
	b.get(target, header...)
	return <-b.log.lines
}

func TestLogQueryIsAllowListed(t *testing.T) {
	b := newBench(t, ok("x", "video/mp4"), func(s *Site) { s.Log.Query = []string{"lang", "v"} })
	for query, want := range map[string]string{
		"":                                      "",
		"?secret=1":                             "",
		"?lang=de&secret=1&v=2":                 `"query":"lang=de&v=2"`,
		"?langu=de&xv=1":                        "",
		"?lang":                                 `"query":"lang="`,
		"?lang=" + strings.Repeat("x", 600):     "",
		"?v=1&lang=" + strings.Repeat("x", 600): `"query":"v=1"`,
		"?lang=a%0Ab":                           `"query":"lang=a%250Ab"`,
	} {
		line := b.lastLine("/a.m4s" + query)
		if want == "" && strings.Contains(line, `"query"`) || !strings.Contains(line, want) || strings.Contains(line, "secret") {
			t.Errorf("%q is logged as %s, want %s", query, line, want)
		}
	}
}

func TestLogCMCD(t *testing.T) {
	b := newBench(t, ok("x", "video/mp4"))
	const want = `"cmcd":"br=3200,bl=21300,ot=v"`
	if line := b.lastLine("/a.m4s?CMCD=bl%3D21300%2Cbr%3D3200%2Cot%3Dv%2Csid%3D%226e2fb550%22"); !strings.Contains(line, want) || strings.Contains(line, "6e2f") {
		t.Errorf("CMCD in the query: %s", line)
	}
	line := b.lastLine("/a.m4s", "CMCD-Session", `sid="6e2fb550"`, "CMCD-Object", "br=3200,ot=v", "CMCD-Request", `bl=21300,nor="..%2Fx"`)
	if !strings.Contains(line, want) || strings.Contains(line, "6e2f") || strings.Contains(line, "2Fx") {
		t.Errorf("CMCD in fields: %s", line)
	}
	if line := b.lastLine("/a.m4s"); strings.Contains(line, "cmcd") {
		t.Errorf("no CMCD: %s", line)
	}
}

func TestLogRenditionAndWire(t *testing.T) {
	b := newBench(t, ok("x", "video/mp4"))
	if line := b.lastLine("/t/1080p/a.m4s"); !strings.Contains(line, `"rendition":"1080p"`) || !strings.Contains(line, `"wire_bytes":1,`) {
		t.Errorf("%s", line)
	}
}

func TestLogAddressOfSite(t *testing.T) {
	b := newBench(t, ok("x", "video/mp4"), func(s *Site) { s.Log.Address = logfmt.None })
	if line := b.lastLine("/a.m4s"); strings.Contains(line, "client") {
		t.Errorf("%s", line)
	}
	b.site.Log.Address = logfmt.Strike
	if line := b.lastLine("/a.m4s"); !strings.Contains(line, `"client":"198.51.100.000"`) {
		t.Errorf("%s", line)
	}
}

func TestLogAgent(t *testing.T) {
	b := newBench(t, ok("x", "video/mp4"))
	const firefox = "Mozilla/5.0 (X11; rv:1) Firefox/1"
	if line := b.lastLine("/a.m4s", "User-Agent", firefox); strings.Contains(line, "X11") || !strings.Contains(line, `"agent":"firefox"`) {
		t.Errorf("family only: %s", line)
	}
	b.site.Log.Agent = true
	if line := b.lastLine("/a.m4s", "User-Agent", firefox); !strings.Contains(line, `"agent":"firefox","user_agent":"`+firefox+`"`) {
		t.Errorf("whole: %s", line)
	}
	if line := b.lastLine("/a.m4s", "User-Agent", strings.Repeat("a", 600)+"Z"); strings.Contains(line, "aZ") || !strings.Contains(line, strings.Repeat("a", maxRemembered)) {
		t.Errorf("a long one: %s", line)
	}
}

// The sid of a token goes to the log's hash and nowhere else.
func TestLogSession(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	scheme, err := auth.NewECT(auth.Options{
		Account: "acme", Required: true, Keys: []auth.Key{{ID: "k1", Account: "acme", Type: auth.HMACSHA256, Secret: secret}},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := auth.MintHMAC("k1", secret, auth.Claims{Expires: time.Now().Add(time.Hour).Unix(), Scopes: []string{"/"}, Session: "viewer-4711"})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, ok("x", "video/mp4"), func(s *Site) { s.Token, s.TokenRequired = scheme, true })
	var seen, line []byte
	b.edge.log = logFunc(func(r *logfmt.Record) {
		seen = append(seen, r.Token.SessionID...)
		line = logfmt.Append(line, logfmt.JSON, logfmt.Full, r)
	})
	b.get("/ect=" + token + "/a.m4s")
	if string(seen) != "viewer-4711" || strings.Contains(string(line), "viewer-4711") {
		t.Errorf("sid handed over: %q, logged: %s", seen, line)
	}
}

// logFunc is a log that hands records on.
type logFunc func(*logfmt.Record)

func (f logFunc) Write(r *logfmt.Record) { f(r) }

// Nothing of a request that a refusal stopped early is in its line.
func TestLogOfRefusedTargets(t *testing.T) {
	sign, _ := signing(t)
	b := newBench(t, ok("x", "video/mp4"), sign, func(s *Site) { s.Log.Query = []string{"lang"} })
	for _, target := range []string{"/%2e%2e/secret?lang=secret", "/ect=secret/ect=secret/a?lang=secret", "/a%00secret?lang=secret"} {
		if line := b.lastLine(target, "User-Agent", "secret/1", "Referer", "https://page.example/secret"); strings.Contains(line, "secret") {
			t.Errorf("%q is logged as %s", target, line)
		}
	}
}
