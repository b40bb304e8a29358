package logfmt

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"edged/internal/edgetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestMain(m *testing.M) { edgetest.Main(m) }

// allFormats are those that files may have.
var allFormats = []Format{W3C, JSON, Binary}

// golden compares got with a file of testdata, or rewrites it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs (run with -update to accept):\n got %s\nwant %s", path, got, want)
	}
}

// arrival is the time of the sample records.
var arrival = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)

// sampleHit is a record with every field set, each to a value of its own.
func sampleHit() *Record {
	return &Record{
		Time:    arrival.UnixNano(),
		Node:    "edge-ams-01",
		Account: "acme",
		Site:    "acme-vod",
		Client:  netip.MustParseAddr("123.123.123.123"),
		Request: Request{
			RangeStart: 0, RangeEnd: 100,
			Protocol: "HTTP/2", TLS: "TLSv1.3",
			Referrer: []byte("player.example.org"), Agent: AgentFirefox,
			Class: "segment", Trace: []byte("0af7651916cd43dd"),
			Query: []byte("lang=de&x=1%2B2"), UserAgent: []byte("Mozilla/5.0 (X11; Linux \"x\")"), CMCD: everyCMCD(4200),
		},
		Method:    []byte("GET"),
		Host:      []byte("acme.example.net"),
		Path:      []byte("/title/video 1/1080p/seg-00042.m4s"),
		Status:    206,
		Error:     "client_gone",
		Duration:  12345 * time.Microsecond,
		BytesSent: 100,
		WireBytes: 512,
		FirstByte: 87 * time.Microsecond,
		Aborted:   true,
		Cache:     Cache{Hit: true, Forward: "stale", Stored: true, Collapsed: true, HasTTL: true, TTL: -3},
		Source:    Source{Tier: "ram", RAM: 90, Disk: 7, Origin: 3},
		Token:     Token{Scheme: "ect", Key: "acme-26a", Verdict: "allowed", Session: 0xfeedface01020304},
		Sequence:  Sequence{Run: 1772600767000, Dropped: 2, Number: 41},
	}
}

// everyCMCD has each number a little above n, and each word.
func everyCMCD(n int64) (c CMCD) {
	for k := range c.numbers {
		c.numbers[k] = min(n+1, maxCMCDNumber) + int64(k)
	}
	c.words = [...]byte{1, 'A', 'h', 'l', 1}
	return c
}

// sampleRefused is a record with little in it.
func sampleRefused() *Record {
	return &Record{
		Time:     arrival.Add(time.Second).UnixNano(),
		Node:     "edge-ams-01",
		Client:   netip.MustParseAddr("2001:db8:1:2::3"),
		Method:   []byte("GET"),
		Host:     []byte("nobody.example"),
		Status:   421,
		Request:  Request{Protocol: "HTTP/1.1", Agent: AgentOther},
		Sequence: Sequence{Run: 1772600767000, Number: 42},
	}
}
