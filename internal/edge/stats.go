package edge

import (
	"slices"
	"strings"
	"sync/atomic"

	"edged/auth"
	"edged/cache"
	"edged/internal/media"
	"edged/internal/target"
	"edged/origin"
)

// Stats is a snapshot of what the outcomes add up to. All counts are since the
// start of the process and only grow.
type Stats struct {
	Sites []SiteStats // sorted by account, then site
	// Unknown counts requests that belong to no site, by Detail.
	Unknown map[string]uint64
	// UnknownTarget counts those whose target was refused, by reason.
	UnknownTarget map[string]uint64
	// UnknownBytes are the body bytes sent in answer to them.
	UnknownBytes uint64
	UnknownUsage []UsageStats // the same, and more, as SiteStats.Usage
}

// SiteStats are the counters of one site.
type SiteStats struct {
	Account, Site string
	Classes       []ClassStats      // by media class, those that were asked for
	Usage         []UsageStats      // by protocol and class of status, those that there were
	Status        [6]uint64         // responses by first digit; [0] and [1] are unused
	HeaderBytes   uint64            // header and framing bytes sent
	Fetched       uint64            // body bytes received from origins
	Forward       map[string]uint64 // requests that went forward, by RFC 9211 reason
	Detail        map[string]uint64 // what was out of the ordinary
	Denied        map[string]uint64 // refused tokens by reason
	BadTarget     map[string]uint64 // refused targets by reason
	Origins       []origin.Stats
}

// ClassStats are the counters of one media class of a site.
type ClassStats struct {
	Class                                     string
	Requests, Hits, Collapsed, Stale, Aborted uint64
	Bytes                                     uint64      // body bytes sent
	Tiers                                     []TierStats // none, ram, disk, origin
}

// TierStats say how many requests and body bytes a tier served.
type TierStats struct {
	Tier            string
	Requests, Bytes uint64
}

// Stats adds up the counters.
func (e *Edge) Stats() Stats {
	stray := &e.stray
	s := Stats{
		Unknown:       words(func(i int) uint64 { return stray.detail[i].Load() }, int(NumDetails), Detail.String),
		UnknownTarget: words(func(i int) uint64 { return stray.target[i].Load() }, target.NumReasons, target.Reason.String),
	}
	origins := map[*siteCounters][]origin.Stats{}
	for _, site := range e.sites.Load().all {
		origins[site.counters] = site.Origins.Stats()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.UnknownUsage = stray.site.usagesLocked()
	for i := range s.UnknownUsage {
		s.UnknownBytes += s.UnknownUsage[i].Body
	}
	for _, c := range e.counted {
		site := c.snapshot()
		site.Origins = origins[c]
		s.Sites = append(s.Sites, site)
	}
	slices.SortFunc(s.Sites, func(a, b SiteStats) int {
		return strings.Compare(a.Account+"\x00"+a.Site, b.Account+"\x00"+b.Site)
	})
	return s
}

// snapshot adds up the copies of one site's counters. Edge.mu must be held.
func (c *siteCounters) snapshot() SiteStats {
	s := SiteStats{Account: c.account, Site: c.site, Fetched: c.fetched.Load(), Usage: c.usagesLocked()}
	sum := func(cell func(*siteShard) *atomic.Uint64) (n uint64) {
		for i := range c.shards {
			n += cell(&c.shards[i]).Load()
		}
		return n
	}
	for i := range s.Usage {
		u := &s.Usage[i]
		s.Status[u.Class] += u.Requests
		s.HeaderBytes += u.Wire - u.Body
	}
	at := func(cell func(*siteShard, int) *atomic.Uint64) func(int) uint64 {
		return func(i int) uint64 { return sum(func(h *siteShard) *atomic.Uint64 { return cell(h, i) }) }
	}
	s.Forward = words(at(func(h *siteShard, i int) *atomic.Uint64 { return &h.forward[i] }), int(NumForwards), Forward.String)
	s.Detail = words(at(func(h *siteShard, i int) *atomic.Uint64 { return &h.detail[i] }), int(NumDetails), Detail.String)
	s.Denied = words(at(func(h *siteShard, i int) *atomic.Uint64 { return &h.denied[i] }), int(auth.NumReasons), auth.Reason.String)
	s.BadTarget = words(at(func(h *siteShard, i int) *atomic.Uint64 { return &h.target[i] }), target.NumReasons, target.Reason.String)
	for class := range media.Class(media.NumClasses) {
		if cs := c.class(class); cs.Requests > 0 {
			s.Classes = append(s.Classes, cs)
		}
	}
	return s
}

// class adds up the copies of one media class.
func (c *siteCounters) class(class media.Class) ClassStats {
	s := ClassStats{Class: class.String(), Tiers: make([]TierStats, numTiers)}
	for i := range c.shards {
		cells := &c.shards[i].classes[class]
		s.Requests += cells.requests.Load()
		s.Hits += cells.hits.Load()
		s.Collapsed += cells.collapsed.Load()
		s.Stale += cells.stale.Load()
		s.Aborted += cells.aborted.Load()
		s.Bytes += cells.bytes.Load()
		for t := range s.Tiers {
			s.Tiers[t].Tier = cache.Tier(t).String()
			s.Tiers[t].Requests += cells.tierRequests[t].Load()
			s.Tiers[t].Bytes += cells.tierBytes[t].Load()
		}
	}
	return s
}

// words maps the non-zero counts of a closed enum, from its second member on, to
// their stable words.
func words[E ~uint8](count func(int) uint64, n int, word func(E) string) map[string]uint64 {
	m := map[string]uint64{}
	for i := 1; i < n; i++ {
		if c := count(i); c > 0 {
			m[word(E(i))] = c
		}
	}
	return m
}
