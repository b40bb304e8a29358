package origin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"edged/internal/edgetest"
	"edged/origin"
)

// status is an answer with an empty body.
func status(line string) func(*peer) {
	return answering("HTTP/1.1 " + line + "\r\nContent-Length: 0\r\n\r\n")
}

// refused returns the URL of an origin where nobody listens.
func refused(t *testing.T) string { return edgetest.Unused(t) }

func TestFailover(t *testing.T) {
	t.Parallel()
	good := func(t *testing.T) string { return start(t, answering(short)).URL }
	of := func(serve func(*peer)) func(*testing.T) string {
		return func(t *testing.T) string { return start(t, serve).URL }
	}
	bad := of(status("503 Service Unavailable"))
	type origins []func(*testing.T) string
	tests := []struct {
		name    string
		origins origins
		from    int
		status  int // 0: error
		index   int
		kind    origin.Kind
	}{
		{"first", origins{good, good}, 0, 200, 0, 0},
		{"from the second", origins{good, good}, 1, 200, 1, 0},
		{"from wraps", origins{good, bad}, 1, 200, 0, 0},
		{"from beyond", origins{good, good}, 5, 200, 1, 0},
		{"refused", origins{refused, good}, 0, 200, 1, 0},
		{"silent", origins{of(stalling("")), good}, 0, 200, 1, 0},
		{"closed before the header", origins{of(once("HTTP/1.1 200")), good}, 0, 200, 1, 0},
		{"garbage", origins{of(once("garbage")), good}, 0, 200, 1, 0},
		{"502", origins{of(status("502 Bad Gateway")), good}, 0, 200, 1, 0},
		{"503", origins{bad, good}, 0, 200, 1, 0},
		{"504", origins{of(status("504 Gateway Timeout")), good}, 0, 200, 1, 0},
		{"500 is an answer", origins{of(status("500 Oops")), good}, 0, 500, 0, 0},
		{"404 is an answer", origins{of(status("404 Not Found")), good}, 0, 404, 0, 0},
		{"302 is an answer", origins{of(status("302 Found")), good}, 0, 302, 0, 0},
		{"404 is better than 503", origins{bad, of(status("404 Not Found"))}, 0, 404, 1, 0},
		{"last 5xx", origins{of(status("502 Bad Gateway")), bad}, 0, 503, 1, 0},
		{"5xx is better than nothing", origins{bad, refused}, 0, 503, 0, 0},
		{"5xx of the only one", origins{bad}, 0, 503, 0, 0},
		{"all refused", origins{refused, refused}, 0, 0, 0, origin.KindConnect},
		{"the last error", origins{refused, of(once(""))}, 0, 0, 0, origin.KindClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var urls []string
			for _, f := range tt.origins {
				urls = append(urls, f(t))
			}
			var o origin.Options
			if tt.name == "silent" {
				t.Parallel()                         // it waits more than it works
				o.FirstByteTimeout = 3 * time.Second // holds for the good origin, too
			}
			g := group(t, o, urls...)
			resp, _, err := do(t.Context(), g, &origin.Request{Method: "GET", Target: "/a", From: tt.from})
			if got := kind(t, err); got != tt.kind {
				t.Fatalf("error %v; want %v", err, tt.kind)
			}
			if err != nil {
				return
			}
			if resp.Status != tt.status || resp.Index != tt.index || resp.Origin != urls[tt.index] {
				t.Errorf("%d from %d (%s); want %d from %d", resp.Status, resp.Index, resp.Origin, tt.status, tt.index)
			}
			for _, st := range g.Stats() {
				if st.Active != 0 {
					t.Errorf("%s: %d active", st.Origin, st.Active)
				}
			}
		})
	}
}

// Only the first of several misses pays the timeout of a dead origin.
func TestFailingOriginIsRemembered(t *testing.T) {
	dead, good := refused(t), start(t, answering(short))
	g := group(t, origin.Options{}, dead, good.URL)
	alone := group(t, origin.Options{}, dead)
	const fetches = 20 // enough for some to fall into a pause, however slow the machine
	for range fetches {
		if _, _, err := get(t.Context(), g, "/a"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := get(t.Context(), alone, "/a"); !errors.Is(err, origin.ErrConnect) {
			t.Errorf("error %v; want one of kind connect", err)
		}
	}
	for _, g := range []*origin.Group{g, alone} {
		st := g.Stats()[0]
		if st.Up || st.Skipped == 0 || st.Requests+st.Skipped != fetches || st.Errors[origin.KindConnect] != st.Requests {
			t.Errorf("stats of the dead origin %+v; want it down and some of %d attempts skipped", st, fetches)
		}
	}
}

// The limit of the whole fetch ends the walk through the origins, and is no
// reason to think ill of the next one.
func TestTotalTimeoutEndsFailover(t *testing.T) {
	silent, good := start(t, stalling("")), start(t, answering(short))
	g := group(t, origin.Options{TotalTimeout: 40 * time.Millisecond}, silent.URL, good.URL)
	_, _, err := get(t.Context(), g, "/a")
	if kind(t, err) != origin.KindTimeout || good.Conns.Load() != 0 {
		t.Errorf("error %v, %d connections to the second; want timeout, none", err, good.Conns.Load())
	}
	if st := g.Stats(); !st[0].Up || !st[1].Up {
		t.Errorf("stats %+v; want both up", st)
	}
}

func TestCancelEndsFailover(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	first := start(t, func(p *peer) { p.request(); cancel(); p.gone() })
	second := start(t, answering(short))
	_, _, err := get(ctx, group(t, origin.Options{}, first.URL, second.URL), "/a")
	if kind(t, err) != origin.KindCanceled || second.Conns.Load() != 0 {
		t.Errorf("error %v, %d connections to the second; want canceled, none", err, second.Conns.Load())
	}
}
