package rfc9111

import (
	"testing"

	"edged/cache/object"
)

// TestStripLeavesCORSToTheEdge checks that nothing of what the origin said to one
// embedding page is kept.
func TestStripLeavesCORSToTheEdge(t *testing.T) {
	for _, c := range []struct{ vary, want string }{
		{"Origin", ""},
		{"origin, Accept-Encoding", "Accept-Encoding"},
		{"Accept-Encoding,Origin , Accept-Language", "Accept-Encoding, Accept-Language"},
		{"Accept-Encoding", "Accept-Encoding"},
		{"X-Original", "X-Original"},
		{"*", "*"},
	} {
		h := object.Header{{Name: "Vary", Value: c.vary}, {Name: "Timing-Allow-Origin", Value: "*"}, {Name: "Access-Control-Allow-Origin", Value: "*"}}
		got := StripStored(h)
		if got.Get("Vary") != c.want || got.Has("Vary") != (c.want != "") {
			t.Errorf("Vary: %s is kept as %q, want %q", c.vary, got.Get("Vary"), c.want)
		}
		if got.Has("Timing-Allow-Origin") || got.Has("Access-Control-Allow-Origin") {
			t.Errorf("fields of the origin's CORS are kept: %v", got)
		}
	}
}
