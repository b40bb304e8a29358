package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"edged/internal/edgetest"
	"edged/logfmt"
)

// Every request is one record of the access log, whatever became of it, in all
// formats, and the record says what the client saw.
func TestE2ELogIsComplete(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "w3c", "binary"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *edgetest.Config) { c.LogFormat = format })
			r.logged(t)
		})
	}
}

func (r *rig) logged(t *testing.T) {
	body := r.video("/log/a.m4s", 20_000)
	wantStatus := map[int]int{}
	wantBytes := int64(0)
	do := func(p edgetest.Protocol, method, host, path string, fields ...string) {
		got := edgetest.Do(t, r.node.Client(p, 1), method, p.Scheme()+"://"+host+path, fields...)
		wantStatus[got.StatusCode]++
		wantBytes += int64(len(got.Bytes))
	}
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
		for range 10 {
			do(p, "GET", openHost, "/log/a.m4s?token=queryvalue", "User-Agent", "Mozilla/5.0 (X11) Chrome/156", "Referer", "https://page.example/x")
		}
		do(p, "GET", openHost, "/log/a.m4s?token=queryvalue", "Range", "bytes=10-19")
		do(p, "GET", openHost, "/log/a.m4s?token=queryvalue", "If-None-Match", `"v1"`)
		do(p, "HEAD", openHost, "/log/a.m4s?token=queryvalue")
		do(p, "GET", signedHost, "/log/a.m4s")
		do(p, "GET", openHost, "/log/none.m4s")
		do(p, "GET", openHost, "/log/%2e%2e/a.m4s")
		do(p, "GET", openHost, "/log/a.m4s?token=queryvalue", "Range", "bytes=999999-")
		do(p, "DELETE", openHost, "/log/a.m4s")
		do(p, "GET", "nobody.test", "/log/a.m4s")
		do(p, "OPTIONS", openHost, "/log/a.m4s", "Origin", page)
	}
	r.node.Stop()
	gotStatus, gotBytes := map[int]int{}, int64(0)
	for _, rec := range r.records(t) {
		gotStatus[rec.Status]++
		gotBytes += rec.BytesSent
		if rec.Sequence.Dropped != 0 {
			t.Errorf("%d records were dropped", rec.Sequence.Dropped)
		}
		if rec.Status == 206 && (rec.Request.RangeStart != 10 || rec.Request.RangeEnd != 20 || rec.BytesSent != 10) {
			t.Errorf("the record of a range says %d-%d, %d bytes", rec.Request.RangeStart, rec.Request.RangeEnd, rec.BytesSent)
		}
		if rec.Status == 200 && (rec.Account != "acme" || string(rec.Path) != "/log/a.m4s" || string(rec.Host) != openHost) {
			t.Errorf("record of account %q, host %q, path %q", rec.Account, rec.Host, rec.Path)
		}
	}
	if fmt.Sprint(gotStatus) != fmt.Sprint(wantStatus) {
		t.Errorf("log has statuses %v, clients saw %v", gotStatus, wantStatus)
	}
	if gotBytes != wantBytes {
		t.Errorf("log adds up to %d bytes, clients got %d", gotBytes, wantBytes)
	}
	if wantStatus[200] == 0 || wantBytes < int64(len(body)) {
		t.Errorf("clients saw %v", wantStatus)
	}
	for name, text := range r.logFiles(t) {
		if full := []byte{127, 0, 0, 1}; strings.HasPrefix(string(text), "\xedLog") {
			if bytes.Contains(text, full) || !bytes.Contains(text, full[:3]) {
				t.Errorf("%s: addresses are not struck:\n%.500q", name, text)
			}
		} else if !bytes.Contains(text, []byte("127.0.0.000")) || bytes.Contains(text, []byte("127.0.0.1")) {
			t.Errorf("%s: addresses are not struck:\n%.500s", name, text)
		}
		if bytes.Contains(text, []byte("queryvalue")) || bytes.Contains(text, []byte("X11")) || bytes.Contains(text, []byte("page.example/x")) {
			t.Errorf("%s holds a query, an agent or a referrer as sent", name)
		}
	}
}

// A log disk that is full costs no request; once there is room again, every
// request is accounted for, as a line or as dropped.
func TestE2ELogDiskFull(t *testing.T) {
	t.Parallel()
	v := edgetest.NewVolume(t, "1m")
	r := newRig(t, func(c *edgetest.Config) { c.LogDir = filepath.Join(v.Dir, "log") })
	body, c := r.video("/full.m4s", 3000), r.plain()
	v.Fill()
	const requests = 300
	for range requests {
		want(t, edgetest.Get(t, c, "http://"+openHost+"/full.m4s"), 200, body)
	}
	v.Free()
	edgetest.Eventually(t, "every request is accounted for", func() bool { return r.accounted(t) == requests })
	r.node.Stop()
	if n := r.accounted(t); n != requests {
		t.Errorf("log accounts for %d requests, want %d", n, requests)
	}
}

// accounted counts the lines of the log and what they say was lost. Lines that are
// being written do not count.
func (r *rig) accounted(t *testing.T) int {
	n := 0
	for _, text := range r.logFiles(t) {
		in := logfmt.NewReader(bytes.NewReader(text))
		var rec logfmt.Record
		for in.Read(&rec) == nil {
			n += 1 + int(rec.Sequence.Dropped)
		}
	}
	return n
}

// A log directory that vanishes costs no request either.
func TestE2ELogDirectoryGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := r.video("/gone.m4s", 3000)
	want(t, r.get(t, "/gone.m4s"), 200, body)
	if err := os.RemoveAll(r.node.LogDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.node.LogDir(), []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		want(t, r.get(t, "/gone.m4s"), 200, body, "hit")
	}
	r.node.Signal(15)
	edgetest.Wait(t, r.node.Ended(), "edged to end")
}
