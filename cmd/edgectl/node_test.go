package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fakeNode answers as the admin listener of a node does; its status is the one that
// the tests of the listener hold.
func fakeNode(t *testing.T) http.Handler {
	t.Helper()
	status, err := os.ReadFile("../../internal/admin/testdata/status.json")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(status) })
	mux.HandleFunc("POST /api/v1/drain", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Edged-Admin") == "" {
			http.Error(w, "no header", http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"state":"draining"}`)
	})
	mux.HandleFunc("POST /api/v1/purge", func(w http.ResponseWriter, r *http.Request) {
		order, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Edged-Admin") == "" || !json.Valid(order) {
			http.Error(w, "no order", http.StatusForbidden)
			return
		}
		known := !strings.Contains(string(order), "acne")
		_ = json.NewEncoder(w).Encode(map[string]any{"number": 4711, "known": known, "accounts": []string{"acne"}, "order": string(order)})
	})
	return mux
}

func serveNode(t *testing.T, h http.Handler) (address string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestStatus(t *testing.T) {
	address := serveNode(t, fakeNode(t))
	code, stdout, stderr := edgectl("status", "-admin", address)
	if code != exitOK || stderr != "" {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	columns := regexp.MustCompile(` {2,}`)
	for _, want := range []string{
		"edge-ams-01: serving, degraded · edged v0.1.0 go1.26, up 76h0m0s\n",
		"degraded: disk /var/cache/edged/nvme1: A write failed",
		"acme acme.example.net 2579543 4.3 TiB 98.2% 98.4% 2181\n",
		"https://origin-a.acme.example acme.example.net DOWN 47012 12 812ms\n",
		"/var/cache/edged/nvme1 read-only 120.0 GiB 800.0 GiB 70401\n",
	} {
		if !strings.Contains(columns.ReplaceAllString(stdout, " "), want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if code, stdout, _ := edgectl("status", "-json", "-admin", address); code != exitOK || !json.Valid([]byte(stdout)) {
		t.Errorf("-json: exit code %d\n%s", code, stdout)
	}
}

func TestDrain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(fakeNode(t))
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	if code, stdout, stderr := edgectl("drain", "-admin", path); code != exitOK || stdout != "draining\n" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// The address comes from the configuration when it is not given.
func TestAddressFromConfig(t *testing.T) {
	address := serveNode(t, fakeNode(t))
	conf := writeConfig(t, testConfig+"[listen]\nadmin = \""+address+"\"\n")
	if code, _, stderr := edgectl("drain", "-config", conf); code != exitOK {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if code, _, stderr := edgectl("status", "-config", filepath.Join(t.TempDir(), "none.toml")); code != exitFailed || !strings.Contains(stderr, "-admin") {
		t.Errorf("without a configuration: exit code %d\n%s", code, stderr)
	}
}

func TestNodeFailures(t *testing.T) {
	answer := func(code int, body string) string {
		return serveNode(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}))
	}
	for _, c := range []struct {
		name, address, want string
		code                int
	}{
		{"nobody listens", filepath.Join(t.TempDir(), "none.sock"), "is edged running?", exitFailed},
		{"no address", "a b", "a b", exitFailed},
		{"refused", answer(403, `{"error":"because"}`), "because", exitFailed},
		{"refused in words", answer(421, "not here\n"), "not here", exitFailed},
		{"something else", answer(200, "<html>"), "not that of an edged", exitFailed},
		{"a newer node", answer(200, `{"schema":2,"health":"ok"}`), "schema 2", exitOK},
		{"a bad node", answer(200, `{"schema":1,"health":"bad"}`), "", exitFailed},
	} {
		code, stdout, stderr := edgectl("status", "-admin", c.address)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, want %d\n%s%s", c.name, code, c.code, stdout, stderr)
		}
	}
	for _, args := range [][]string{{"status", "what"}, {"drain", "what"}, {"drain", "-nothing"}} {
		if code, _, stderr := edgectl(args...); code != exitUsage || stderr == "" {
			t.Errorf("edgectl %v: exit code %d\n%s", args, code, stderr)
		}
	}
}
