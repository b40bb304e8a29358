package edge

import (
	"io"
	"net/http"
	"testing"

	"edged/cache/object"
)

// hints collects interim responses.
type hints struct {
	status []int
	link   []string
}

func (h *hints) WriteInterim(status int, header []object.Field) {
	h.status = append(h.status, status)
	h.link = append(h.link, object.Header(header).Get("Link"))
}

func TestInterimResponsesReachWhoAskedAndAreNotStored(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.WriteHeader(http.StatusProcessing)
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "data")
	})
	for i, want := range []int{2, 0} { // the second time it is a hit
		var got hints
		x := b.edge.NewExchange()
		b.fill(x, request{target: "/a.bin"})
		x.Req.Interim = &got
		b.edge.Serve(x)
		if len(got.status) != want || x.Resp.Status != 200 || object.Header(x.Resp.Header).Has("Link") {
			t.Errorf("request %d: interim %v, final %d %v", i, got.status, x.Resp.Status, x.Resp.Header)
		}
		if want > 0 && (got.status[0] != 103 || got.link[0] != "</a.css>; rel=preload" || got.status[1] != 102) {
			t.Errorf("interim %v, Link %q", got.status, got.link)
		}
		b.edge.Finish(x, Delivery{})
	}
	b.wantFetches(1)
}
