package admin

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestGoldenJSON(t *testing.T) {
	w := get(t, fixedAdmin(t), "/status.json")
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, w.Body.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	golden(t, "testdata/status.json", pretty.String())
}

// The three addresses of the JSON, and the one of the page, give what was asked for.
func TestNegotiation(t *testing.T) {
	s := fixedAdmin(t)
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, c := range []struct{ path, accept, want string }{
		{"/status", "application/json", "application/json"},
		{"/status", "application/json, text/plain, */*", "application/json"},
		{"/status", browser, "text/html; charset=utf-8"},
		{"/status", "", "text/html; charset=utf-8"},
		{"/status.json", browser, "application/json"},
		{"/api/v1/status", "", "application/json"},
		{"/status/status.css", "", "text/css; charset=utf-8"},
		{"/status/status.js", "", "text/javascript; charset=utf-8"},
		{"/status/icon.svg", "", "image/svg+xml"},
	} {
		w := get(t, s, c.path, "Accept", c.accept)
		if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || got != c.want {
			t.Errorf("GET %s, Accept %q: %d, %q, want %q", c.path, c.accept, w.Code, got, c.want)
		}
	}
}

// docs/admin.md explains every field of the JSON.
func TestFieldsAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/admin.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range fieldNames(reflect.TypeFor[status]()) {
		if !strings.Contains(string(b), "`"+name+"`") {
			t.Errorf("docs/admin.md does not explain the field %s", name)
		}
	}
}

// fieldNames collects the names of all fields below a type.
func fieldNames(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return names
	}
	for f := range t.Fields() {
		if name := f.Tag.Get("json"); name != "" {
			names[name] = true
		}
		if strings.HasPrefix(f.Type.String(), "time.") || strings.HasPrefix(f.Type.String(), "*time.") {
			continue
		}
		for name := range fieldNames(f.Type) {
			names[name] = true
		}
	}
	return names
}

// Sums in the JSON are those of their parts.
func TestSums(t *testing.T) {
	st := fixedAdmin(t).status()
	var requests, sent, tierRequests, tierBytes, denied, header uint64
	for _, s := range st.Sites {
		header += s.HeaderBytes
		for _, n := range s.DeniedBy {
			denied += n
		}
		for _, c := range s.Classes {
			requests += c.Requests
			sent += c.Bytes
			c.Tiers.each(func(_ string, t served) {
				tierRequests += t.Requests
				tierBytes += t.Bytes
			})
		}
	}
	for _, c := range []struct {
		name      string
		got, want uint64
	}{
		{"requests", st.Totals.Requests, requests},
		{"requests by tier", tierRequests, requests},
		{"body bytes", st.Totals.Bytes, sent},
		{"body bytes by tier", tierBytes, sent},
		{"header bytes", st.Totals.HeaderBytes, header},
		{"denied", st.Totals.Denied, denied},
		{"unknown", st.Unknown.Requests, 77},
		{"failed fetches", st.Sites[0].Origins[0].Failed, 12},
	} {
		if c.got != c.want || c.want == 0 {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
}

func TestRatio(t *testing.T) {
	for _, c := range []struct {
		part, whole uint64
		want        string
	}{{0, 0, "null"}, {0, 4, "0"}, {1, 4, "0.25"}, {4, 4, "1"}} {
		got, err := json.Marshal(share(c.part, c.whole))
		if err != nil || string(got) != c.want {
			t.Errorf("share(%d, %d) is %s, %v, want %s", c.part, c.whole, got, err, c.want)
		}
	}
	var none summary
	none.finish()
	if !math.IsNaN(float64(none.HitRatio)) {
		t.Errorf("the hit ratio of nothing is %v", none.HitRatio)
	}
}

// Without most of its parts the node still tells of itself.
func TestMissingParts(t *testing.T) {
	o := fixedOptions()
	o.Sources = Sources{Edge: o.Sources.Edge}
	s := newServer(t, o)
	for _, path := range []string{"/status", "/status.json", "/metrics"} {
		if w := get(t, s, path); w.Code != http.StatusOK {
			t.Errorf("GET %s: %d\n%s", path, w.Code, w.Body)
		}
	}
	o.Sources.Edge = nil
	if _, err := New(o); err == nil {
		t.Error("a server without an edge was made")
	}
}
