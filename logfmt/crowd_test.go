package logfmt

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// visit logs one request of a client for a path.
func visit(w *Writer, client, path string) {
	w.Write(&Record{
		Time: w.opts.Now().UnixNano(), Client: netip.MustParseAddr(client), Method: []byte("GET"),
		Path: []byte(path), Status: 200, Token: Token{SessionID: []byte(client)}, Request: Request{UserAgent: []byte("a/1")},
	})
}

func TestAnonymity(t *testing.T) {
	for _, f := range allFormats {
		inBubble(t, func(o *Options) { o.Anonymity, o.Format = 3, f }, func(t *testing.T, w *Writer, _ *faultyFS) {
			for i := range 3 { // three viewers of one network
				visit(w, fmt.Sprintf("203.0.113.%d", i+1), "/popular/1080p/1.ts")
			}
			for range 50 { // one viewer, many requests
				visit(w, "198.51.100.9", "/popular/1080p/2.ts")
			}
			for i := range 3 { // three viewers of three networks of one provider
				visit(w, fmt.Sprintf("100.64.%d.1", i), "/popular/720p/1.ts")
			}
			for i := range 3 { // three devices of one household
				visit(w, fmt.Sprintf("2001:db8:1:1::%d", i+1), "/popular/720p/1.ts")
			}
			for i := range 3 { // three households of one provider
				visit(w, fmt.Sprintf("2001:db9:%d:1::1", i+1), "/popular/720p/1.ts")
			}
			visit(w, "203.0.113.1", "/rare/1.ts")
			if err := w.Rotate(); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			got := map[string]int{}
			for _, r := range readDir(t, w.opts.Dir) {
				got[r.Client.String()+" "+string(titleOf(r.Path))+fmt.Sprint(" ", r.Token.Session != 0, len(r.Request.UserAgent) > 0)]++
			}
			for line, n := range map[string]int{
				"203.0.113.0 /popular/ true true": 3, "invalid IP /popular/ false false": 53, "100.64.0.0 /popular/ true false": 3,
				"2001:db9:: /popular/ true false": 3, "invalid IP /rare/ false false": 1,
			} {
				if got[line] != n {
					t.Errorf("%v: %d records %q, want %d of %v", f, got[line], line, n, got)
				}
			}
			m, err := ReadManifest(filepath.Join(w.opts.Dir, fileNames(t, w.opts.Dir)[0]))
			if err != nil || *m.Content.Anonymity != (Anonymity{K: 3, Kept: 3, Widened: 6, Removed: 54}) {
				t.Errorf("%v: %v, %+v", f, err, m.Content.Anonymity)
			}
			if got := w.Stats().Anonymity; got != *m.Content.Anonymity {
				t.Errorf("%v: the stats have %+v, the trailer %+v", f, got, *m.Content.Anonymity)
			}
		})
	}
}

// What a restart forgot counts as rare.
func TestAnonymityAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t.TempDir())
		o.Anonymity = 2
		w, _ := startWriter(t, o)
		visit(w, "203.0.113.1", "/a/1.ts")
		visit(w, "203.0.113.2", "/a/1.ts")
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadFile(filepath.Join(o.Dir, fileNames(t, o.Dir)[0]))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		o.Dir = t.TempDir()
		if err := os.WriteFile(filepath.Join(o.Dir, "access-edge-1-20990101T000000Z-1.log.part"), left, 0o600); err != nil {
			t.Fatal(err)
		}
		touch(t, o.Dir, "access-edge-1-20990101T000000Z-1.log.new.part")
		next, _ := startWriter(t, o)
		if err := next.Close(); err != nil {
			t.Error(err)
		}
		for _, r := range readDir(t, o.Dir) {
			if r.Client.IsValid() || r.Token.Session != 0 {
				t.Errorf("%v is in the file", r.Client)
			}
		}
		name := filepath.Join(o.Dir, fileNames(t, o.Dir)[0])
		if c, err := VerifyFile(name); err != nil || !c.Stated.Recovered || c.Stated.Anonymity.Removed != 2 || !strings.HasSuffix(name, ".log") {
			t.Errorf("%v, %+v of %s", err, c, name)
		}
	})
}

func TestCrowdForgets(t *testing.T) {
	c := newCrowd(2)
	r := Record{Client: netip.MustParseAddr("192.0.2.1"), Path: []byte("/a/b")}
	for hour := range 10 {
		r.Time = int64(hour) * int64(time.Hour)
		c.add(&r)
	}
	if len(c.hours) > crowdHours+1 {
		t.Errorf("%d hours are remembered", len(c.hours))
	}
	c.add(&Record{}) // without a client
}

func TestTitleOf(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "/": "/", "/a.mp4": "/", "/a/b.ts": "/a/", "/a/1080p/b.ts": "/a/", "/a/v-1080p/x/b.ts": "/a/", "/a/b-1080p.ts": "/a/",
	} {
		if got := string(titleOf([]byte(path))); got != want {
			t.Errorf("title of %q is %q, want %q", path, got, want)
		}
	}
}
