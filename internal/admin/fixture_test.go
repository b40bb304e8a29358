package admin

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edged/cache"
	"edged/cache/disk"
	"edged/cache/ram"
	"edged/internal/edge"
	"edged/internal/edgetest"
	"edged/internal/revoke"
	"edged/internal/server"
	"edged/logfmt"
	"edged/logfmt/ship"
	"edged/logfmt/usage"
	"edged/origin"
)

var update = flag.Bool("update", false, "write golden files and docs/metrics.md")

func TestMain(m *testing.M) {
	flag.Parse()
	edgetest.Main(m)
}

// noon is when every fixed status is taken.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// fixedSources tell of a node in an ordinary trouble.
func fixedSources() Sources {
	return Sources{
		Edge: fixedEdge, Cache: fixedCache, Disks: fixedDisks, Log: fixedLog, Ledger: fixedLedger, Ship: fixedShip, Server: fixedServer, Certificates: fixedCertificates,
	}
}

// class makes the counters of one class; the numbers of all tiers add up to its own.
func class(name string, hits uint64, tiers ...edge.TierStats) edge.ClassStats {
	c := edge.ClassStats{Class: name, Hits: hits, Tiers: tiers}
	for _, t := range tiers {
		c.Requests += t.Requests
		c.Bytes += t.Bytes
	}
	return c
}

func fixedEdge() edge.Stats {
	const mib = 1 << 20
	manifest := class("manifest", 48_210, edge.TierStats{Tier: "none", Requests: 977, Bytes: 31_264},
		edge.TierStats{Tier: "ram", Requests: 48_210, Bytes: 92 * mib},
		edge.TierStats{Tier: "disk"}, edge.TierStats{Tier: "origin", Requests: 6_004, Bytes: 11 * mib})
	manifest.Collapsed, manifest.Stale, manifest.Aborted = 1_921, 12, 3
	segment := class("segment", 2_481_771, edge.TierStats{Tier: "none", Requests: 1_204, Bytes: 38_528},
		edge.TierStats{Tier: "ram", Requests: 2_301_044, Bytes: 4_102_331 * mib},
		edge.TierStats{Tier: "disk", Requests: 180_727, Bytes: 331_870 * mib},
		edge.TierStats{Tier: "origin", Requests: 41_377, Bytes: 70_119 * mib})
	segment.Collapsed, segment.Aborted = 9_310, 2_207
	return edge.Stats{
		Unknown: map[string]uint64{"unknown-host": 73, "bad-target": 4}, UnknownBytes: 2_156,
		UnknownTarget: map[string]uint64{"dot_segment": 4},
		Sites: []edge.SiteStats{
			{
				Account: "acme", Site: "acme.example.net", Classes: []edge.ClassStats{manifest, segment},
				Usage:  []edge.UsageStats{used("HTTP/1.1", 2, 1_576_118, 1_560_000), used("HTTP/2", 2, 1_000_000, 980_000), used("HTTP/2", 4, 2_610, 0)},
				Status: [6]uint64{0, 0, 2_576_118, 801, 2_610, 14}, HeaderBytes: 1_288_771_500, Fetched: 70_130 * mib,
				Forward:   map[string]uint64{"uri-miss": 40_911, "stale": 6_470},
				Detail:    map[string]uint64{"denied": 2_181, "preflight": 801, "stale-if-error": 12},
				Denied:    map[string]uint64{"expired": 1_950, "bad_signature": 211, "missing": 20},
				BadTarget: map[string]uint64{"encoded_slash": 7},
				Origins: []origin.Stats{
					{
						Origin: "https://origin-a.acme.example", Requests: 47_012, Connects: 118, Reused: 46_894, Retries: 2, Skipped: 31,
						Errors: errorsOf(origin.KindConnect, 3, origin.KindTimeout, 9), Bytes: 70_002 * mib, LastError: noon.Add(-42 * time.Second),
						FirstByte: 812 * time.Millisecond,
					},
					{Origin: "https://origin-b.acme.example", Up: true, Requests: 381, Connects: 4, Reused: 377, Bytes: 128 * mib, Active: 2, Idle: 2, FirstByte: 21 * time.Millisecond},
				},
			},
			{
				Account: "beta", Site: "media.beta.example",
				Classes: []edge.ClassStats{class("file", 3_310, edge.TierStats{Tier: "none", Requests: 2, Bytes: 64},
					edge.TierStats{Tier: "ram", Requests: 11, Bytes: 9 * mib}, edge.TierStats{Tier: "disk", Requests: 3_299, Bytes: 88_000 * mib},
					edge.TierStats{Tier: "origin", Requests: 120, Bytes: 31_010 * mib})},
				Status: [6]uint64{0, 0, 3_430, 0, 2, 0}, HeaderBytes: 1_716_000, Fetched: 31_010 * mib,
				Forward: map[string]uint64{"uri-miss": 120},
				Origins: []origin.Stats{{Origin: "http://files.beta.example:8080", Up: true, Requests: 120, Connects: 9, Reused: 111, Bytes: 31_010 * mib, Idle: 4, FirstByte: 64 * time.Millisecond}},
			},
		},
	}
}

func errorsOf(pairs ...any) (e [origin.NumKinds]uint64) {
	for i := 0; i < len(pairs); i += 2 {
		e[pairs[i].(origin.Kind)] = uint64(pairs[i+1].(int))
	}
	return e
}

func fixedCache() cache.Stats {
	return cache.Stats{
		Objects: 18_204, Fills: 3, Parked: cache.ParkingStats{Readers: 311, Bytes: 309 << 20, Max: 1 << 30, Taken: 17},
		Held: cache.BudgetStats{Used: 12 << 20, Max: 1 << 30}, Passing: cache.BudgetStats{Used: 3 << 20, Max: 2 << 30}, RAM: ram.Stats{
			Size: 8 << 30, Used: 7_900 << 20, Resident: 7_611 << 20, Pinned: 244 << 20, Holes: 61 << 20, Touched: 8 << 30,
			Blocks: 12_801, InUse: 13_112, Admitted: 918_221, GhostHits: 20_113, Evictions: 905_420, EvictedBytes: 611 << 30, SlabsMoved: 14,
		},
		Accounts: []cache.AccountStats{
			{Account: "acme", AccountStats: ram.AccountStats{Resident: 5_120 << 20, Floor: 512 << 20}},
			{Account: "other", AccountStats: ram.AccountStats{Resident: 64 << 20}},
		},
	}
}

func fixedDisks() []disk.Stats {
	healthy := disk.Stats{
		Path:   "/var/cache/edged/nvme0",
		Space:  disk.SpaceStats{Size: 800 << 30, Used: 655 << 30, Extents: 2_620, Objects: 402_118, Entries: 512_004, Capacity: 1_638_400, Evictions: 88},
		Reads:  disk.ReadStats{Lookups: 240_881, Hits: 184_026, Blocks: 361_440, Bytes: 343 << 30},
		Writes: disk.WriteStats{Records: 98_120, Bytes: 99 << 30, Refused: 17, Dropped: 2, Snapshots: 44, QueueJobs: 3, QueueBytes: 24 << 20},
		Wear:   disk.WearStats{PerDay: 800 << 30, Left: 512 << 30},
		Scrub:  disk.ScrubStats{Bytes: 210 << 30},
		Recovery: disk.Recovery{
			Clean: true, Snapshot: true, Footers: 1, Records: 212, Duration: 430 * time.Millisecond,
		},
	}
	sick := disk.Stats{
		Path: "/var/cache/edged/nvme1", Health: disk.ReadOnly, Encryption: disk.Keyed,
		Space:    disk.SpaceStats{Size: 800 << 30, Used: 120 << 30, Extents: 480, Objects: 70_401, Entries: 90_002, Capacity: 1_638_400},
		Reads:    disk.ReadStats{Lookups: 56_855, Hits: 12_801, Blocks: 20_010, Bytes: 19 << 30, Corrupt: 1},
		Writes:   disk.WriteStats{Records: 20_441, Bytes: 20 << 30, Errors: 1, Refused: 811, PendingRemovals: 2},
		Recovery: disk.Recovery{Scanned: 3, Footers: 470, Records: 81_002, Removed: 12, Lost: 1, Duration: 8200 * time.Millisecond},
	}
	return []disk.Stats{healthy, sick}
}

func fixedLog() logfmt.Stats {
	return logfmt.Stats{
		Offered: 2_582_995, Written: 2_582_940, Queued: 55, QueuedBytes: 14_300, Bytes: 812 << 20, Closed: 31, Deleted: 4,
		TornLines: 1, Files: 27, FileBytes: 96 << 20, Oldest: noon.Add(-27 * time.Hour),
		Anonymity: logfmt.Anonymity{K: 5, Kept: 2_500_000, Widened: 70_000, Removed: 12_000},
	}
}

func fixedLedger() usage.Stats {
	return usage.Stats{Flushes: 547_200, Flushed: noon.Add(-300 * time.Millisecond), Bytes: 71 << 10, Oldest: "2026-02"}
}

func fixedShip() ship.Stats {
	return ship.Stats{Files: 31, Bytes: 90 << 20, Failures: 2, Pending: 1}
}

// used makes the counters that the ledger is made from.
func used(protocol string, class uint8, requests, hits uint64) edge.UsageStats {
	return edge.UsageStats{Protocol: protocol, Class: class, Counts: usage.Counts{
		Requests: requests, Hits: hits, Body: requests * 1_600_000, Wire: requests * 1_600_500, HitBody: hits * 1_600_000, Origin: (requests - hits) * 1_600_000,
	}}
}

func fixedServer() server.Stats {
	s := server.Stats{
		Open: 1_841, OpenHTTP: 112, OpenHTTPS: 1_729, OpenStreams: 61, Accepted: 91_244, CutHandshake: 12, CutHeader: 44,
		CutIdle: 80_031, CutSlow: 7, Handshakes: 70_881, HandshakeErrors: 302, HandshakeQueued: 90,
	}
	s.Refused[server.BadSyntax], s.Refused[server.TwoFramings] = 19, 2
	return s
}

func fixedCertificates() []*x509.Certificate {
	return []*x509.Certificate{
		{DNSNames: []string{"acme.example.net", "cdn.acme.example"}, NotAfter: noon.Add(58*24*time.Hour + time.Hour)},
		{Subject: pkix.Name{CommonName: "media.beta.example"}, NotAfter: noon.Add(11*24*time.Hour + time.Hour)},
	}
}

func fixedOptions() Options {
	return Options{
		Node: "edge-ams-01", Region: "EU", Version: "v0.1.0 go1.26", Address: "127.0.0.1:8090",
		DiskPaths: []string{"/var/cache/edged/nvme0", "/var/cache/edged/nvme1"},
		Sources:   fixedSources(), Now: func() time.Time { return noon },
	}
}

// newServer returns a server that is closed at the end of the test.
func newServer(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fixedServerOf serves the fixed status, as of three days after its start.
func fixedRevocations(t *testing.T) *revoke.List {
	t.Helper()
	l, err := revoke.Open(revoke.Options{Now: func() time.Time { return noon.Add(-9 * time.Minute) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Apply(revoke.Order{Account: "acme", Session: "4711", Until: noon.Unix()}, revoke.Order{Account: "acme", Key: "old"},
		revoke.Order{Account: "bolt", Before: 1}); err != nil {
		t.Fatal(err)
	}
	return l
}

func fixedAdmin(t *testing.T) *Server {
	t.Helper()
	o := fixedOptions()
	o.Revocations = fixedRevocations(t)
	s := newServer(t, o)
	s.started = noon.Add(-76 * time.Hour)
	s.SetState(Serving)
	return s
}

// get asks the handler, on behalf of a client that names the listener.
func get(t *testing.T, s *Server, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return ask(t, s, http.MethodGet, target, header...)
}

func ask(t *testing.T, s *Server, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	r.Host = "127.0.0.1:8090"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w
}

// golden compares got with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test -update accepts it):\n%s", path, diff)
	}
}
