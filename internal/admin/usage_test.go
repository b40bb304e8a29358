package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edged/logfmt/usage"
)

func TestUsage(t *testing.T) {
	var asked *usage.Query
	var failure error
	o := fixedOptions()
	o.Usage = func(q *usage.Query) (*usage.Report, error) {
		asked = q
		return usage.NewReport(q, usage.Table{{Hour: usage.HourOf(noon.UnixNano()), Account: "acme"}: {Requests: 3, Body: 9}}), failure
	}
	s := newServer(t, o)
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		query string
		code  int
		want  usage.Query
	}{
		{"", 200, usage.Query{}},
		{"?account=acme&site=a.example&by=day,site", 200, usage.Query{Account: "acme", Site: "a.example", By: usage.Split{Span: usage.Day, Site: true}}},
		{"?from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z", 200, usage.Query{From: day, To: day.AddDate(0, 0, 1)}},
		{"?from=yesterday", 400, usage.Query{}},
		{"?to=0001-01-01T00:00:00Z", 400, usage.Query{}},
		{"?by=week", 400, usage.Query{}},
		{"?acount=acme", 400, usage.Query{}},
		{"?account=acme&account=bolt", 400, usage.Query{}},
	} {
		asked = nil
		w := get(t, s, "/api/v1/usage"+c.query)
		if w.Code != c.code || (asked != nil) != (c.code == 200) {
			t.Errorf("%s: %d, want %d: %s", c.query, w.Code, c.code, w.Body)
			continue
		}
		if asked == nil {
			continue
		}
		if diff := cmp.Diff(c.want, *asked); diff != "" {
			t.Errorf("%s asks for (-want +got):\n%s", c.query, diff)
		}
		var r usage.Report
		if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || r.Node != "edge-ams-01" || r.Schema != 1 {
			t.Errorf("%s: %s, %v", c.query, w.Body, err)
		}
	}
	failure = errors.New("disk")
	if w := get(t, s, "/api/v1/usage"); w.Code != http.StatusInternalServerError {
		t.Errorf("a ledger that cannot be read: %d", w.Code)
	}
	if w := get(t, fixedAdmin(t), "/api/v1/usage"); w.Code != http.StatusNotImplemented {
		t.Errorf("without a ledger: %d", w.Code)
	}
}

func TestLedgerFindings(t *testing.T) {
	for _, c := range []struct {
		name  string
		stats usage.Stats
		want  level
	}{
		{"in order", usage.Stats{Flushes: 3}, levelOK},
		{"failing", usage.Stats{Failing: "no space"}, levelBad},
		{"damaged", usage.Stats{Damaged: 12}, levelDegraded},
	} {
		st := &status{Ledger: ledgerOf(c.stats)}
		st.judgeLedger()
		worst := levelOK
		for _, f := range st.Findings {
			worst = max(worst, f.Level)
		}
		if worst != c.want {
			t.Errorf("%s: %v, want %v", c.name, worst, c.want)
		}
	}
}

func TestErase(t *testing.T) {
	var erased []string
	var failure error
	o := fixedOptions()
	o.Erase = func(account string) (Erased, error) {
		erased = append(erased, account)
		return Erased{Rows: 7, Revocations: 2}, failure
	}
	s := newServer(t, o)
	post := func(s *Server, body string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8090/api/v1/erase", strings.NewReader(body))
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		return w
	}
	if w := post(s, `{"account":"acme"}`, orderHeader, "1"); w.Code != 200 || w.Body.String() != "{\"rows\":7,\"revocations\":2,\"configured\":false}\n" {
		t.Errorf("an order: %d %s", w.Code, w.Body)
	}
	for _, c := range []struct {
		body   string
		code   int
		header []string
	}{
		{`{"account":"acme"}`, 403, nil},
		{`{"account":""}`, 400, []string{orderHeader, "1"}},
		{`{"all":true}`, 400, []string{orderHeader, "1"}},
		{`x`, 400, []string{orderHeader, "1"}},
	} {
		if w := post(s, c.body, c.header...); w.Code != c.code {
			t.Errorf("%s: %d, want %d", c.body, w.Code, c.code)
		}
	}
	if len(erased) != 1 {
		t.Errorf("erased %q", erased)
	}
	failure = errors.New("disk")
	if w := post(s, `{"account":"acme"}`, orderHeader, "1"); w.Code != 500 {
		t.Errorf("a ledger that fails: %d", w.Code)
	}
	if w := post(fixedAdmin(t), `{"account":"acme"}`, orderHeader, "1"); w.Code != 501 {
		t.Errorf("without a ledger: %d", w.Code)
	}
}
