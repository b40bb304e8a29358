package main

import (
	"testing"

	"edged/internal/edgetest"
)

// What was stored is still there after an orderly end and after a crash, is served
// without asking the origin, and is what the origin has.
func TestE2ERestart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sizes := map[string]int{"/small.m4s": 3000, "/large.mp4": 9<<20 + 12_345}
	bodies := map[string][]byte{}
	for path, size := range sizes {
		bodies[path] = r.video(path, size)
	}
	r.origin.Handle("/list.m3u8", edgetest.Plain([]byte("#EXTM3U\n"), "Cache-Control", "max-age=3600", "X-Origin", "kept"))
	bodies["/list.m3u8"] = []byte("#EXTM3U\n")
	fill := func() {
		for path, body := range bodies {
			want(t, r.get(t, path), 200, body)
		}
		for path, body := range bodies {
			if len(body) > 100 {
				r.node.AwaitStored(body[len(body)-64:])
			} else {
				r.node.AwaitStored(body)
			}
			r.wantFetches(t, path, 1)
		}
	}
	fromDisk := func(how string) {
		for path, body := range bodies {
			t.Run(how+path, func(t *testing.T) {
				got := r.get(t, path)
				want(t, got, 200, body, "hit", "detail=disk")
				if path == "/list.m3u8" {
					wantField(t, got, "X-Origin", "kept")
				} else {
					want(t, r.get(t, path, "Range", "bytes=1000-1999"), 206, body[1000:2000], "hit")
				}
				want(t, r.get(t, path), 200, body, "hit")
				r.wantFetches(t, path, 1)
			})
		}
	}
	fill()
	r.node.Restart()
	fromDisk("after SIGTERM")
	r.node.Crash()
	fromDisk("after a crash")
}

// A crash in the middle of a fill leaves nothing wrong behind.
func TestE2ECrashInFill(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const path, size = "/filling.mp4", 12 << 20
	body := edgetest.Pattern(path, size)
	gate := edgetest.NewGate(t)
	r.origin.Handle(path, edgetest.Halves(gate, body, size-100_000, videoFields()...))
	c := r.node.Dial()
	c.Send("GET " + path + " HTTP/1.1\nHost: " + openHost + "\n\n")
	if b, err := c.ReadByte(); err != nil || b != 'H' {
		t.Fatalf("first byte %q, %v", b, err)
	}
	r.node.Crash()
	r.origin.Handle(path, edgetest.Serve(body, videoFields()...))
	want(t, r.get(t, path), 200, body)
	want(t, r.get(t, path, "Range", "bytes=12000000-"), 206, body[12_000_000:], "hit")
}
