package logfmt

import (
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// traffic returns records as a node serves them: usual hits of some sites, renditions
// and viewers, titles and segments of them, a little apart in time.
func traffic(n int) []*Record {
	agents := []Agent{AgentChrome, AgentChrome, AgentSafari, AgentAppleCoreMedia, AgentFirefox}
	renditions := []string{"1080p", "1080p", "720p", "480p"}
	sites := []string{"films.example.net", "live.example.net", "kids.example.net", "www.example.org", "cdn.example.com"}
	all := make([]*Record, n)
	for i := range all {
		r := usualHit()
		r.Time += int64(i) * int64(90*time.Microsecond)
		r.Site = sites[i*7%5]
		r.Host = []byte(r.Site)
		r.Client = netip.AddrFrom4([4]byte{byte(i % 223), byte(i / 3), byte(i), byte(i * 7)})
		r.Request.Agent = agents[i*3%5]
		r.Path = fmt.Appendf(nil, "/title-%d/%s/seg-%05d.m4s", i*31%97, renditions[i*11%4], i%3000)
		r.Request.Trace = fmt.Appendf(nil, "%016x", uint64(i)*0x9e3779b97f4a7c15)
		r.BytesSent = int64(2000 + i*37%400)
		r.WireBytes, r.Source.RAM = r.BytesSent+410, r.BytesSent
		r.Cache.TTL = int64(3600 - i%1800)
		all[i] = r
	}
	return all
}

// BenchmarkWhole is all that a record costs the process, in CPU time: encoding, the
// flusher, the hash, and the write to a file in the page cache. B/record is the file.
func BenchmarkWhole(b *testing.B) {
	for _, f := range allFormats {
		b.Run(f.String(), func(b *testing.B) {
			w, err := NewWriter(Options{Dir: b.TempDir(), Node: "edge-ams-01", Format: f, MaxSize: 1 << 30, QueueBytes: 64 << 20})
			if err != nil {
				b.Fatal(err)
			}
			records := traffic(128)
			n, begun := 0, cpuTime(b)
			for b.Loop() {
				w.Write(records[n&(len(records)-1)])
				if n++; n&(1<<14-1) == 0 {
					if err := w.Flush(); err != nil { // else the queue would fill up and records drop
						b.Fatal(err)
					}
				}
			}
			if err := w.Flush(); err != nil {
				b.Fatal(err)
			}
			used := cpuTime(b) - begun
			st := w.Stats()
			if st.Dropped > 0 {
				b.Errorf("%d records dropped", st.Dropped)
			}
			b.ReportMetric(float64(used)/float64(n), "cpu-ns/record")
			b.ReportMetric(float64(st.Bytes)/float64(n), "B/record")
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// cpuTime is what the process has used, in nanoseconds.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
