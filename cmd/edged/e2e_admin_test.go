package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

// TestE2EAdmin: the admin listener of a real node knows what was served, and an order
// to drain ends the process in order.
func TestE2EAdmin(t *testing.T) {
	r := newRig(t)
	body := r.video("/admin/1.m4s", 64<<10)
	for range 3 {
		r.get(t, "/admin/1.m4s")
	}
	r.get(t, "/admin/%2e%2e/1.m4s")
	ask := func(method, path string) (*edgetest.Response, string) {
		resp := edgetest.Do(t, r.node.Admin(), method, "http://node"+path, "X-Edged-Admin", "1")
		return resp, string(resp.Bytes)
	}
	if resp, text := ask(http.MethodGet, "/readyz"); resp.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %d %q", resp.StatusCode, text)
	}
	var st struct {
		State  string
		Totals struct {
			Requests, Hits uint64
			Bytes          uint64 `json:"body_bytes"`
		}
		Certificates []any
	}
	edgetest.Eventually(t, "the last request is counted", func() bool {
		_, text := ask(http.MethodGet, "/status.json")
		return json.Unmarshal([]byte(text), &st) == nil && st.Totals.Requests == 4
	})
	if st.State != "serving" || st.Totals.Hits != 2 || st.Totals.Bytes < 3*uint64(len(body)) || len(st.Certificates) != 1 {
		t.Errorf("after three requests for one object: %+v", st)
	}
	_, metrics := ask(http.MethodGet, "/metrics")
	for _, want := range []string{
		`edged_hits_total{account="acme",class="segment",site="` + openHost + `"} 2`,
		`edged_targets_refused_total{account="acme",reason="dot_segment",site="` + openHost + `"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if _, text := ask(http.MethodPost, "/api/v1/drain"); text != `{"state":"draining"}`+"\n" {
		t.Errorf("drain: %q", text)
	}
	edgetest.Wait(t, r.node.Ended(), "edged to end after the order to drain")
}
