package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"edged/internal/edgetest"
)

// Bodies that are read while they are still being made.
func TestE2EFills(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
		t.Run("chunk by chunk/"+p.String(), func(t *testing.T) { t.Parallel(); r.chunkByChunk(t, p) })
		t.Run("leader leaves/"+p.String(), func(t *testing.T) { t.Parallel(); r.leaderLeaves(t, p) })
	}
	t.Run("leaves before the header", func(t *testing.T) { t.Parallel(); r.leavesEarly(t) })
	t.Run("late range of a fill", func(t *testing.T) { t.Parallel(); r.rangeOfFill(t) })
	t.Run("followers of an aborted fill", func(t *testing.T) { t.Parallel(); r.abortedFill(t) })
	t.Run("slow reader", func(t *testing.T) { t.Parallel(); r.slowReader(t) })
	t.Run("huge file nobody reads", func(t *testing.T) { t.Parallel(); r.unread(t) })
}

// stream is a response whose body is read in steps.
type stream struct {
	*http.Response
	t *testing.T
}

func open(t *testing.T, c *http.Client, url string, fields ...string) *stream {
	t.Helper()
	resp, err := c.Do(edgetest.NewRequest(t, "GET", url, fields...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &stream{resp, t}
}

// next reads exactly what is wanted; while that is outstanding nothing else moves.
func (s *stream) next(body []byte) {
	s.t.Helper()
	got := make([]byte, len(body))
	read := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(s.Body, got)
		read <- err
	}()
	if err := edgetest.Wait(s.t, read, "the next bytes"); err != nil {
		s.t.Fatalf("reading %d bytes: %v", len(body), err)
	}
	if !bytes.Equal(got, body) {
		s.t.Fatal(edgetest.Diff(got, body))
	}
}

// end holds that the body ends here, cleanly.
func (s *stream) end() {
	s.t.Helper()
	read := make(chan error, 1)
	go func() {
		_, err := s.Body.Read(make([]byte, 1))
		read <- err
	}()
	if err := edgetest.Wait(s.t, read, "the end of the body"); !errors.Is(err, io.EOF) {
		s.t.Fatalf("the body goes on, or is cut: %v", err)
	}
}

// chunkByChunk: each chunk of a low-latency segment is in the hands of every viewer
// before the origin makes the next one.
func (r *rig) chunkByChunk(t *testing.T, p edgetest.Protocol) {
	path := "/lldash/" + p.String() + ".m4s"
	body := edgetest.Pattern(path, 5*4096)
	pieces := make(chan []byte)
	r.origin.Handle(path, edgetest.Pieces(pieces, "Content-Type", "video/mp4"))
	url := p.Scheme() + "://" + openHost + path
	leader := open(t, r.node.Client(p, 0), url)
	var all []*stream
	all = append(all, leader)
	for i := range 5 {
		piece := body[i*4096:][:4096]
		select {
		case pieces <- piece:
		case <-t.Context().Done():
		}
		for _, s := range all {
			s.next(piece)
		}
		follower := open(t, r.node.Client(p, 0), url) // gets what there is at once
		follower.next(body[:(i+1)*4096])
		all = append(all, follower)
	}
	close(pieces)
	for _, s := range all {
		s.end()
	}
	r.wantFetches(t, path, 1)
	got := edgetest.Get(t, r.node.Client(p, 0), url)
	want(t, got, 200, body, "hit")
	wantField(t, got, "Content-Length", "20480")
}

// leaderLeaves: who caused a fill may leave without harm to those who share it.
func (r *rig) leaderLeaves(t *testing.T, p edgetest.Protocol) {
	path := "/leave/" + p.String() + ".m4s"
	const size, half = 2<<20 + 999, 1<<20 + 555
	body := edgetest.Pattern(path, size)
	gate := edgetest.NewGate(t)
	r.origin.Handle(path, edgetest.Halves(gate, body, half, videoFields()...))
	url := p.Scheme() + "://" + openHost + path
	leader := open(t, r.node.Client(p, 0), url)
	leader.next(body[:1000])
	follower := open(t, r.node.Client(p, 0), url)
	follower.next(body[:1000])
	_ = leader.Body.Close()
	follower.next(body[1000:half])
	gate.Open()
	follower.next(body[half:])
	follower.end()
	r.wantFetches(t, path, 1)
	want(t, edgetest.Get(t, r.node.Client(p, 0), url), 200, body, "hit")
}

// leavesEarly: the only client leaves while the origin has not answered yet; who
// comes meanwhile or later is served.
func (r *rig) leavesEarly(t *testing.T) {
	const path = "/leave-early.m4s"
	body := edgetest.Pattern(path, 5000)
	gate := edgetest.NewGate(t)
	r.origin.Handle(path, edgetest.After(gate, edgetest.Serve(body, videoFields()...)))
	c := r.node.Dial()
	c.Send("GET " + path + " HTTP/1.1\nHost: " + openHost + "\n\n")
	edgetest.Eventually(t, "the origin is asked", func() bool { return r.origin.Count(path) > 0 })
	c.Close()
	got := make(chan *edgetest.Response, 1)
	go func() { got <- r.get(t, path) }()
	gate.Open()
	want(t, edgetest.Wait(t, got, "the second client's answer"), 200, body)
	want(t, r.get(t, path), 200, body, "hit")
}

// rangeOfFill: a range of what is there already is served while the rest is not.
func (r *rig) rangeOfFill(t *testing.T) {
	const path, size, half = "/range-of-fill.m4s", 900_000, 500_000
	body := edgetest.Pattern(path, size)
	gate := edgetest.NewGate(t)
	r.origin.Handle(path, edgetest.Halves(gate, body, half, videoFields()...))
	leader := open(t, r.plain(), "http://"+openHost+path)
	leader.next(body[:half])
	want(t, r.get(t, path, "Range", "bytes=1000-4999"), 206, body[1000:5000])
	across := open(t, r.plain(), "http://"+openHost+path, "Range", "bytes=499000-500999")
	across.next(body[499_000:500_000])
	gate.Open()
	across.next(body[500_000:501_000])
	across.end()
	leader.next(body[half:])
	leader.end()
	r.wantFetches(t, path, 1)
}

// abortedFill: all who read a body that breaks off are cut; none is told that it
// was whole.
func (r *rig) abortedFill(t *testing.T) {
	const path, size, half = "/aborted.m4s", 600_000, 300_000
	body := edgetest.Pattern(path, size)
	gate := edgetest.NewGate(t)
	r.origin.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "600000")
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = w.Write(body[:half])
		_ = http.NewResponseController(w).Flush()
		<-gate.Opened()
		panic(http.ErrAbortHandler)
	}))
	var all []*stream
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2, edgetest.HTTP1} {
		s := open(t, r.node.Client(p, 0), p.Scheme()+"://"+openHost+path)
		s.next(body[:half])
		all = append(all, s)
	}
	r.wantFetches(t, path, 1)
	gate.Open()
	for _, s := range all {
		if rest, err := io.ReadAll(s.Body); err == nil {
			t.Errorf("%s: after %d bytes the body looks whole", s.Proto, half+len(rest))
		}
	}
}

// slowReader: one who does not read holds up nobody.
func (r *rig) slowReader(t *testing.T) {
	const path, size = "/slow-reader.mp4", 24 << 20
	body := r.video(path, size)
	slow := open(t, r.plain(), "http://"+openHost+path)
	slow.next(body[:100])
	want(t, r.get(t, path), 200, body)
	slow.next(body[100:])
	slow.end()
}

// unread: a fill that nobody reads any more stops long before the end of a huge
// file.
func (r *rig) unread(t *testing.T) {
	const path, size = "/huge.mp4", 8 << 30
	var sent atomic.Int64
	ended := make(chan struct{})
	flood := edgetest.Flood(size, func(n int) { sent.Add(int64(n)) }, videoFields()...)
	r.origin.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer close(ended)
		flood.ServeHTTP(w, req)
	}))
	s := open(t, r.plain(), "http://"+openHost+path)
	s.next(make([]byte, 1<<20))
	_ = s.Body.Close()
	edgetest.Wait(t, ended, "the fill to stop")
	if n := sent.Load(); n > 128<<20 {
		t.Errorf("the origin sent %d MiB that nobody read", n>>20)
	}
}
