package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"edged/internal/edgetest"
)

// Everything at once, on a node too small for it: viewers of all protocols read
// wholes and ranges of more than memory holds, and some leave early. Whatever a
// viewer gets is right.
func TestE2EMix(t *testing.T) {
	t.Run("more than memory holds", func(t *testing.T) { mix(t, "32MiB") })
	t.Run("least memory there may be", func(t *testing.T) { mix(t, "16MiB") })
}

func mix(t *testing.T, ram string) {
	r := newRig(t, func(c *edgetest.Config) { c.RAM, c.Disk = ram, "256MiB" })
	const objects, viewers = 12, 9
	requests := 25
	if edgetest.RaceEnabled {
		requests = 8
	}
	bodies := make([][]byte, objects)
	for i := range bodies {
		bodies[i] = r.video(mixPath(i), 1<<20+i*444_444)
	}
	var all sync.WaitGroup
	for v := range viewers {
		p := edgetest.Protocol(v % 3)
		c, rnd := r.node.Client(p, 0), rand.New(rand.NewPCG(uint64(v), 7))
		all.Go(func() {
			for range requests {
				if fault := view(t, c, p, rnd, bodies); fault != "" {
					t.Errorf("%s: %s", p, fault)
				}
			}
		})
	}
	all.Wait()
	for i, body := range bodies {
		want(t, r.get(t, mixPath(i)), 200, body)
	}
	r.node.Stop()
	for _, rec := range r.records(t) {
		if rec.Error != "" || rec.Duration > 5*time.Second {
			t.Logf("%s %s %d-%d: status %d, %s, %d bytes in %v", rec.Request.Protocol, rec.Path, rec.Request.RangeStart, rec.Request.RangeEnd, rec.Status, rec.Error, rec.BytesSent, rec.Duration)
		}
	}
}

func mixPath(i int) string { return fmt.Sprintf("/mix/%d.mp4", i) }

// view asks for a random part of a random object, leaves early now and then, and
// says what was wrong.
func view(t *testing.T, c *http.Client, p edgetest.Protocol, rnd *rand.Rand, bodies [][]byte) string {
	i := rnd.IntN(len(bodies))
	body, status := bodies[i], 200
	request := edgetest.NewRequest(t, "GET", p.Scheme()+"://"+openHost+mixPath(i))
	if rnd.IntN(3) > 0 {
		from := rnd.IntN(len(body))
		to := from + rnd.IntN(min(len(body)-from, 600_000))
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to))
		body, status = body[from:to+1], 206
	}
	resp, err := c.Do(request)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	if resp.StatusCode != status {
		return fmt.Sprintf("status %d, want %d", resp.StatusCode, status)
	}
	take := int64(len(body))
	if rnd.IntN(5) == 0 {
		take = rnd.Int64N(take + 1)
	}
	got, err := io.ReadAll(io.LimitReader(resp.Body, take))
	if err != nil {
		return fmt.Sprintf("object %d, %s: after %d of %d bytes: %v (%s)", i, request.Header.Get("Range"), len(got), take, err, resp.Header.Get("Cache-Status"))
	}
	if d := edgetest.Diff(got, body[:take]); d != "" {
		return fmt.Sprintf("object %d, %s: %s (%s)", i, request.Header.Get("Range"), d, resp.Header.Get("Cache-Status"))
	}
	return ""
}
