package edge

import (
	"sync/atomic"

	"edged/auth"
	"edged/cache"
	"edged/internal/media"
	"edged/internal/target"
)

// counterShards is how many copies of each counter there are. An exchange always
// writes to the same copy, so that cores seldom share a line of memory.
const counterShards = 16

const numTiers = int(cache.TierOrigin) + 1

// classCells count the requests of one media class.
type classCells struct {
	requests, hits, collapsed, stale, aborted atomic.Uint64
	bytes                                     atomic.Uint64 // body bytes sent
	tierRequests, tierBytes                   [numTiers]atomic.Uint64
}

// siteShard is one copy of a site's counters.
type siteShard struct {
	classes [media.NumClasses]classCells
	usage   usageCells
	forward [NumForwards]atomic.Uint64
	detail  [NumDetails]atomic.Uint64
	denied  [auth.NumReasons]atomic.Uint64
	target  [target.NumReasons]atomic.Uint64
	_       [64]byte
}

// siteCounters are all copies; they outlive the Site they were made for.
type siteCounters struct {
	account, site string
	shards        [counterShards]siteShard
	fetched       atomic.Uint64 // body bytes received from origins
	taken         takenUsage
	late          lateUsage
}

// strayCounters count requests that belong to no site.
type strayCounters struct {
	detail [NumDetails]atomic.Uint64
	target [target.NumReasons]atomic.Uint64
	site   siteCounters // its usage only
}

// count adds the outcome to the counters.
func (e *Edge) count(x *Exchange, d Delivery) {
	o := &x.out
	if x.site == nil {
		e.stray.detail[o.Detail].Add(1)
		e.stray.target[o.Target].Add(1)
		e.stray.site.use(e.base.Load(), x, d)
		return
	}
	x.site.counters.use(e.base.Load(), x, d)
	s := &x.site.counters.shards[x.shard]
	s.forward[o.Forward].Add(1)
	if o.Detail != DetailNone {
		s.detail[o.Detail].Add(1)
		s.denied[o.Denied].Add(1)
		s.target[o.Target].Add(1)
	}
	s.classes[o.Class].add(o, d)
}

func (c *classCells) add(o *Outcome, d Delivery) {
	c.requests.Add(1)
	c.bytes.Add(uint64(d.Body))
	c.tierRequests[o.Tier].Add(1)
	c.split(o, d.Body)
	addIf(&c.hits, o.Hit)
	addIf(&c.collapsed, o.Collapsed)
	addIf(&c.stale, o.Detail == DetailStale || o.Detail == DetailStaleIfError)
	addIf(&c.aborted, d.Aborted)
}

// split attributes the bytes that were sent to the tiers they were read from. A
// client that left early took less than was read: the fastest tier bears that.
func (c *classCells) split(o *Outcome, sent int64) {
	origin := min(sent, o.FromOrigin)
	disk := min(sent-origin, o.FromDisk)
	ram := min(sent-origin-disk, o.FromRAM)
	c.tierBytes[cache.TierOrigin].Add(uint64(origin))
	c.tierBytes[cache.TierDisk].Add(uint64(disk))
	c.tierBytes[cache.TierRAM].Add(uint64(ram))
	c.tierBytes[cache.TierNone].Add(uint64(sent - origin - disk - ram))
}

func addIf(c *atomic.Uint64, yes bool) {
	if yes {
		c.Add(1)
	}
}
