package admin

import (
	"bytes"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edged/internal/edge"
	"edged/internal/revoke"
)

func TestRevoke(t *testing.T) {
	var log bytes.Buffer
	list, err := revoke.Open(revoke.Options{Path: filepath.Join(t.TempDir(), "r.log"), Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	s, err := New(Options{
		Address: "127.0.0.1:8090", Sources: Sources{Edge: func() edge.Stats { return edge.Stats{} }}, Now: func() time.Time { return noon },
		Log: slog.New(slog.NewTextHandler(&log, nil)), Revocations: list, TokenLife: func(string) time.Duration { return 2 * time.Hour },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	post := func(body string, header ...string) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8090/api/v1/revoke", strings.NewReader(body))
		if len(header) == 0 {
			r.Header.Set(orderHeader, "1")
		}
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{`{"account":"acme","session":"secret-session"}`, 200, `{"number":1,"until":"2026-03-02T14:00:00Z","durable":true}`},
		{`{"account":"acme","token":"secret-token","until":"2026-03-02T12:30:00Z"}`, 200, `{"number":2,"until":"2026-03-02T12:30:00Z","durable":true}`},
		{`{"account":"acme","key":"k1"}`, 200, `{"number":3,"durable":true}`},
		{`{"account":"acme","before":"2026-03-01T00:00:00Z"}`, 200, `{"number":4,"durable":true}`},
		{`{"account":"acme"}`, 422, `{"error":"bad order: name one token, session or key, or a date of issue"}`},
		{`{"session":"x"}`, 422, `{"error":"bad order: say of which account"}`},
		{`{"account":"acme","sesion":"x"}`, 400, "unknown field"},
		{`{}{}`, 400, "more than one order"},
	} {
		code, got := post(c.body)
		if code != c.code || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.body, code, got, c.code, c.want)
		}
	}
	if code, _ := post(`{"account":"acme","key":"k2"}`, "none"); code != 403 || list.Stats().Number != 4 {
		t.Errorf("without the header of orders: %d", code)
	}
	sum := sha256.Sum256([]byte("secret-token"))
	if !list.Of("acme").Revoked("k9", nil, &sum, noon.Unix()) {
		t.Error("the token is not withdrawn")
	}
	if strings.Contains(log.String(), "secret") || strings.Count(log.String(), "order=revoke") != 9 {
		t.Errorf("log:\n%s", &log)
	}
}
