package admin

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edged/internal/audit"
	"edged/internal/edge"
	"edged/internal/revoke"
)

// Every order is in the record with its outcome, and no more of it than may be kept.
func TestOrdersAreRecorded(t *testing.T) {
	o := fixedOptions()
	list, err := revoke.Open(revoke.Options{Now: o.Now})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "audit.log")
	o.Audit, o.Revocations, o.Drain = audit.New(file), list, func() {}
	o.Erase = func(string) (Erased, error) { return Erased{Rows: 7}, nil }
	o.Purge = func(*edge.PurgeOrder) (edge.PurgeResult, error) {
		return edge.PurgeResult{Number: 17, Rules: 2}, nil
	}
	s := newServer(t, o)
	post := func(path, body string, header ...string) {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8090"+path, strings.NewReader(body))
		r.RemoteAddr = "127.91.92.193:4711"
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		s.http.Handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	post("/api/v1/purge", `{"urls":["http://a.example/secretpath?x=secretquery"]}`, orderHeader, "1")
	post("/api/v1/purge", `{"account":"acme","keys":["secretkey"],"soft":true}`)
	post("/api/v1/revoke", `{"account":"acme","session":"secretsession"}`, orderHeader, "1")
	post("/api/v1/revoke", `{"account":"acme"}`, orderHeader, "1")
	post("/api/v1/erase", `{"account":"bolt"}`, orderHeader, "1")
	post("/api/v1/drain", ``, orderHeader, "1")
	entries, damaged, err := audit.Read(file)
	if err != nil || damaged != 0 || len(entries) != 6 {
		t.Fatalf("%d entries, %d damaged, %v", len(entries), damaged, err)
	}
	for i, want := range []audit.Entry{
		{Order: "purge", Outcome: audit.Done},
		{Order: "purge", Outcome: audit.Refused},
		{Order: "revoke", Outcome: audit.Done, Account: "acme"},
		{Order: "revoke", Outcome: audit.Refused, Account: "acme"},
		{Order: "erase", Outcome: audit.Done, Account: "bolt"},
		{Order: "drain", Outcome: audit.Done},
	} {
		got := entries[i]
		if got.Order != want.Order || got.Outcome != want.Outcome || got.Account != want.Account || got.Number != uint64(i)+1 || time.Since(got.At) > time.Hour {
			t.Errorf("entry %d is %+v, want %+v", i, got, want)
		}
	}
	if d := entries[0].Details; d["urls"] != 1.0 || d["number"] != 17.0 || d["durable"] != true {
		t.Errorf("a purge has the details %v", d)
	}
	if d := entries[2].Details; d["what"] != "session" || d["durable"] != false {
		t.Errorf("a revocation has the details %v", d)
	}
	for _, text := range []string{"secret", "127.91"} {
		if bytes.Contains(read(t, file), []byte(text)) {
			t.Errorf("%q is in the record:\n%s", text, read(t, file))
		}
	}
}

// An order that cannot be recorded is carried out, and the error log says so.
func TestOrderWithoutRecord(t *testing.T) {
	var said bytes.Buffer
	drained := false
	o := fixedOptions()
	o.Audit, o.Log = audit.New(filepath.Join(t.TempDir(), "none", "audit.log")), slog.New(slog.NewTextHandler(&said, nil))
	o.Drain = func() { drained = true }
	s := newServer(t, o)
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8090/api/v1/drain", http.NoBody)
	r.Header.Set(orderHeader, "1")
	s.http.Handler.ServeHTTP(httptest.NewRecorder(), r)
	if !drained || !strings.Contains(said.String(), "an order is not in the record of orders") {
		t.Errorf("drained: %v; said %s", drained, said.String())
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
