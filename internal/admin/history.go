package admin

import (
	"context"
	"sync"
	"time"
)

const (
	interval = 2 * time.Second // between two looks at the counters
	samples  = 150             // five minutes
)

// rates are what happened in one interval, a second. The ratios are of that
// interval too.
type rates struct {
	Requests     float64 `json:"requests_per_second"`
	Bits         float64 `json:"bits_per_second"` // headers and bodies to clients
	HitRatio     ratio   `json:"hit_ratio"`
	ByteHitRatio ratio   `json:"byte_hit_ratio"`
}

// historyStatus is the ring as columns, the oldest value first.
type historyStatus struct {
	Interval     float64   `json:"interval_seconds"`
	Requests     []float64 `json:"requests_per_second"`
	Bits         []float64 `json:"bits_per_second"`
	HitRatio     []ratio   `json:"hit_ratio"`
	ByteHitRatio []ratio   `json:"byte_hit_ratio"`
}

// history is a ring of rates.
type history struct {
	mu   sync.Mutex // guards what follows
	last summary
	at   time.Time // zero before the first look
	ring [samples]rates
	n    int // how many were ever put
}

// watch looks at the counters until ctx ends.
func (s *Server) watch(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		var st status
		st.addEdge(s.options.Sources.Edge())
		s.history.note(&st.Totals.summary, s.options.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// note books the difference to the look before.
func (h *history) note(t *summary, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if took := now.Sub(h.at).Seconds(); !h.at.IsZero() && took > 0 {
		h.ring[h.n%samples] = ratesOf(&h.last, t, took)
		h.n++
	}
	h.last, h.at = *t, now
}

// ratesOf are the rates between two sums that are seconds apart.
func ratesOf(old, now *summary, seconds float64) rates {
	cached := func(s *summary) uint64 { return s.Tiers.RAM.Bytes + s.Tiers.Disk.Bytes }
	hits, stored := now.Hits-old.Hits, cached(now)-cached(old)
	sent := now.Bytes + now.HeaderBytes - old.Bytes - old.HeaderBytes
	return rates{
		Requests:     float64(now.Requests-old.Requests) / seconds,
		Bits:         float64(sent) * 8 / seconds,
		HitRatio:     share(hits, hits+now.Forwarded-old.Forwarded),
		ByteHitRatio: share(stored, stored+now.Tiers.Origin.Bytes-old.Tiers.Origin.Bytes),
	}
}

// snapshot returns the ring and its newest entry.
func (h *history) snapshot() (all historyStatus, newest rates) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all = historyStatus{
		Interval: interval.Seconds(), Requests: []float64{}, Bits: []float64{}, HitRatio: []ratio{}, ByteHitRatio: []ratio{},
	}
	newest = ratesOf(&summary{}, &summary{}, 1)
	for i := max(0, h.n-samples); i < h.n; i++ {
		newest = h.ring[i%samples]
		all.Requests = append(all.Requests, newest.Requests)
		all.Bits = append(all.Bits, newest.Bits)
		all.HitRatio = append(all.HitRatio, newest.HitRatio)
		all.ByteHitRatio = append(all.ByteHitRatio, newest.ByteHitRatio)
	}
	return all, newest
}
