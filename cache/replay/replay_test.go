package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"edged/cache/object"
	"edged/internal/edgetest"
	"edged/logfmt"
)

// writeLog makes a log of the given records and returns its name.
func writeLog(t *testing.T, f logfmt.Format, compressed bool, records []logfmt.Record) string {
	t.Helper()
	text := logfmt.AppendHeader(nil, f, "test", time.Unix(1_700_000_000, 0))
	for i := range records {
		text = logfmt.Append(text, f, logfmt.Strike, &records[i])
	}
	name := filepath.Join(t.TempDir(), "access.log")
	if compressed {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(text) //nolint:errcheck // to memory
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		text, name = b.Bytes(), name+".zst"
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func records() []logfmt.Record {
	get := func(path string, status int, from, to, sent int64) logfmt.Record {
		return logfmt.Record{
			Time: 1, Account: "acme", Host: []byte("h"), Method: []byte("GET"), Path: []byte(path), Status: status,
			BytesSent: sent, Request: logfmt.Request{RangeStart: from, RangeEnd: to},
		}
	}
	return []logfmt.Record{
		get("/a", 200, 0, 0, 1000),
		get("/b", 200, 0, 0, 2*object.BlockSize+5),
		get("/a", 206, 500, 2000, 1500),                           // the block is larger than the first saw
		get("/b", 206, object.BlockSize, object.BlockSize+10, 10), // the second block alone
		get("/a", 304, 0, 0, 0),
		get("/missing", 404, 0, 0, 9),
	}
}

func TestReadLog(t *testing.T) {
	for _, f := range []logfmt.Format{logfmt.W3C, logfmt.JSON} {
		for _, compressed := range []bool{false, true} {
			got, bad, err := readLog(writeLog(t, f, compressed, records()))
			if err != nil || bad != 0 {
				t.Fatalf("format %v, compressed %v: %d bad lines, %v", f, compressed, bad, err)
			}
			sizes := []int32{2000, object.BlockSize, object.BlockSize, 5, 2000, object.BlockSize}
			if len(got.requests) != len(sizes) {
				t.Fatalf("format %v: %d requests, want %d", f, len(got.requests), len(sizes))
			}
			for i, r := range got.requests {
				if r.size != sizes[i] {
					t.Errorf("format %v: request %d is for %d bytes, want %d", f, i, r.size, sizes[i])
				}
			}
			if got.requests[0].block != got.requests[4].block || got.requests[2].block != got.requests[5].block {
				t.Error("two requests for one block differ")
			}
			if n := got.footprint(); n != 2000+2*object.BlockSize+5 {
				t.Errorf("footprint of %d bytes", n)
			}
		}
	}
}

func TestReadLogGoesOnAfterBadLines(t *testing.T) {
	name := writeLog(t, logfmt.JSON, false, records())
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	torn := append([]byte("{nonsense\n"), text[:len(text)-3]...)
	if err := os.WriteFile(name, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	got, bad, err := readLog(name)
	if err != nil || bad != 2 || len(got.requests) != 6 {
		t.Errorf("%d requests, %d bad lines, %v; want 6 and 2", len(got.requests), bad, err)
	}
	if _, _, err := readLog(name + ".not-there"); err == nil {
		t.Error("no error for a file that is not there")
	}
}

// TestSyntheticTraces holds that a seed makes the same trace every time, and that
// none is trivial.
func TestSyntheticTraces(t *testing.T) {
	const n = 30_000
	first, again, other := synthetic(n, 1), synthetic(n, 1), synthetic(n, 2)
	for i := range first {
		a, b, c := first[i].requests, again[i].requests, other[i].requests
		if len(a) < n*9/10 || len(a) > n*11/10 {
			t.Errorf("%s: %d requests, want about %d", first[i].name, len(a), n)
		}
		same := len(a) == len(c)
		for j := range a {
			if a[j] != b[j] {
				t.Fatalf("%s: request %d differs between two runs", first[i].name, j)
			}
			same = same && a[j] == c[j]
			if a[j].size < 1 || a[j].size > object.BlockSize {
				t.Fatalf("%s: a block of %d bytes", first[i].name, a[j].size)
			}
		}
		if same {
			t.Errorf("%s: the seed makes no difference", first[i].name)
		}
	}
}

// TestContenders runs each policy within its capacity, and when everything fits:
// then every request but the first for a block hits.
func TestContenders(t *testing.T) {
	tr := synthetic(20_000, 3)[0]
	seen := map[uint64]bool{}
	for _, r := range tr.requests {
		seen[r.block] = true
	}
	most := 1 - float64(len(seen))/float64(len(tr.requests))
	for _, p := range append(policies(), sweep()...) {
		all, err := measure(&tr, p, 4*tr.footprint())
		if err != nil {
			t.Fatal(err)
		}
		if all.requests > most+1e-9 || all.requests < most-0.01 { // one that samples may lose some
			t.Errorf("%s with room for all: %.4f of the requests hit, want %.4f", p.name, all.requests, most)
		}
		few, err := measure(&tr, p, tr.footprint()/20)
		if err != nil {
			t.Fatal(err)
		}
		if few.requests <= 0.05 || few.requests >= all.requests || few.bytes <= 0.05 || few.bytes >= 1 {
			t.Errorf("%s with room for a twentieth: %+v, with room for all %+v", p.name, few, all)
		}
		if none, err := measure(&tr, p, 100); err != nil || none.requests != 0 {
			t.Errorf("%s with room for nothing: %+v, %v", p.name, none, err)
		}
	}
}

func TestLRU(t *testing.T) {
	c, err := newLRU(30, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	want := []struct {
		block uint64
		hit   bool
	}{{1, false}, {2, false}, {3, false}, {1, true}, {4, false}, {2, false}, {1, true}, {3, false}}
	for i, w := range want {
		if got := c.get(request{w.block, 10}); got != w.hit {
			t.Errorf("step %d: block %d hits %v, want %v", i, w.block, got, w.hit)
		}
	}
}

func TestCapacities(t *testing.T) {
	got, err := parseCapacities("5%, 64MiB,1.5GiB")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{50, 64 << 20, 3 << 29} {
		if n := got[i].of(1000); n != want {
			t.Errorf("%s of 1000 bytes is %d, want %d", got[i].text, n, want)
		}
	}
	for _, text := range []string{"", "5", "0%", "101%", "-1MiB", "NaN%", "x%", "5%,"} {
		if _, err := parseCapacities(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestRun(t *testing.T) {
	var out, diagnostics bytes.Buffer
	if err := run([]string{"-requests", "6000", "-capacity", "5%,64MiB"}, &out, &diagnostics); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if want := 2 + 2*len(synthetic(10, 1)) + 2; len(lines) != want {
		t.Errorf("%d lines, want %d:\n%s", len(lines), want, out.String())
	}
	for _, l := range lines {
		if strings.Count(l, "|") != 7 {
			t.Errorf("a line of another table: %s", l)
		}
	}
	out.Reset()
	name := writeLog(t, logfmt.W3C, true, records())
	if err := run([]string{"-capacity", "1MiB", name}, &out, &diagnostics); err != nil || !strings.Contains(out.String(), "access.log.zst") {
		t.Errorf("%v: %s", err, out.String())
	}
	for _, args := range [][]string{{"-capacity", "x"}, {"not-there.log"}, {"-no-such-flag"}} {
		if err := run(args, &out, &diagnostics); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

func TestMain(m *testing.M) { edgetest.Main(m) }
