package edge

import (
	"sync"
	"sync/atomic"
	"time"

	"edged/logfmt/usage"
)

// What customers pay for is counted by the hour in which a request arrived, although
// it may end in a later one. There are cells for two hours, the base and the next; the
// base moves on half an hour into the next hour. So no hour is done with while requests
// of it end by the thousand, and the cells of an hour that comes are free before it
// does. Requests that took longer than that go the slow way, through a lock and a map.

// baseLag is how long cells are kept for an hour that is over.
const baseLag = 30 * time.Minute

const (
	numProtos  = int(HTTP3) + 1
	numClasses = 4 // of status: 2xx to 5xx
)

// useCells count the requests of one protocol, one class of status and one hour.
type useCells struct {
	requests, hits, body, wire, hitBody, origin atomic.Uint64
}

// usageCells are the cells of a shard, by hour (its lowest bit), protocol and class.
type usageCells [2][numProtos][numClasses]useCells

// useKey says which cells a row comes from.
type useKey struct {
	hour  int64
	proto Proto
	class uint8 // 2 to 5
}

// lateUsage holds the rows of requests for whose hour there are no cells.
type lateUsage struct {
	mu   sync.Mutex // guards rows
	rows map[useKey]usage.Counts
}

// takenUsage is what was handed over already. Edge.mu guards it.
type takenUsage struct {
	cells   [2][numProtos][numClasses]usage.Counts
	late    map[useKey]usage.Counts
	fetched uint64
}

// useOf is what one request adds.
func useOf(o *Outcome, d Delivery) usage.Counts {
	c := usage.Counts{Requests: 1, Body: uint64(d.Body), Wire: uint64(d.Body + d.Header), Origin: uint64(o.FromOrigin)}
	if o.Hit {
		c.Hits, c.HitBody = 1, c.Body
	}
	return c
}

// use counts a request that has ended. base is the first hour that there are cells for,
// 0 before anybody asked for usage.
func (c *siteCounters) use(base int64, x *Exchange, d Delivery) {
	k := useKey{usage.HourOf(x.arrived), x.Req.Proto, usage.ClassOf(x.out.Status)}
	n := useOf(&x.out, d)
	if base != 0 && k.hour != base && k.hour != base+1 {
		c.late.add(k, n)
		return
	}
	c.shards[x.shard].usage[k.hour&1][k.proto][k.class-2].add(&n)
}

func (c *useCells) add(n *usage.Counts) {
	c.requests.Add(1)
	c.wire.Add(n.Wire)
	addSome(&c.body, n.Body)
	addSome(&c.hits, n.Hits)
	addSome(&c.hitBody, n.HitBody)
	addSome(&c.origin, n.Origin)
}

func addSome(c *atomic.Uint64, n uint64) {
	if n > 0 {
		c.Add(n)
	}
}

func (c *useCells) load() usage.Counts {
	return usage.Counts{
		Requests: c.requests.Load(), Hits: c.hits.Load(), Body: c.body.Load(), Wire: c.wire.Load(),
		HitBody: c.hitBody.Load(), Origin: c.origin.Load(),
	}
}

func (l *lateUsage) add(k useKey, n usage.Counts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rows == nil {
		l.rows = make(map[useKey]usage.Counts)
	}
	sum := l.rows[k]
	sum.Add(n)
	l.rows[k] = sum
}

// used adds up the cells of one hour, protocol and class.
func (c *siteCounters) used(hour int64, p Proto, class uint8) (sum usage.Counts) {
	for i := range c.shards {
		sum.Add(c.shards[i].usage[hour&1][p][class-2].load())
	}
	return sum
}

// Usage returns what was counted since it was called last, in rows by the hour in which
// requests arrived. What [Edge.Stats] shows is the sum of all rows, and of what the next
// call will return. It should be called more often than every half hour.
func (e *Edge) Usage() []usage.Row {
	now := e.now().UnixNano()
	e.mu.Lock()
	defer e.mu.Unlock()
	next := usage.HourOf(now - int64(baseLag))
	base := e.base.Load()
	if base == 0 {
		base = next
	}
	rows := e.stray.site.take(nil, base, usage.HourOf(now))
	for _, c := range e.counted {
		rows = c.take(rows, base, usage.HourOf(now))
	}
	e.base.Store(max(base, next))
	return rows
}

// take appends what is new since the last call. Cells belong to the hours base and
// base+1; what fills bring belongs to the present hour.
func (c *siteCounters) take(dst []usage.Row, base, now int64) []usage.Row {
	for hour := base; hour <= base+1; hour++ {
		for p := range Proto(numProtos) {
			for class := uint8(2); class < 2+numClasses; class++ {
				sum, seen := c.used(hour, p, class), &c.taken.cells[hour&1][p][class-2]
				if sum != *seen {
					dst = append(dst, c.row(useKey{hour, p, class}, sum.Since(*seen)))
					*seen = sum
				}
			}
		}
	}
	if n := c.fetched.Load(); n != c.taken.fetched {
		key := usage.Key{Hour: now, Account: c.account, Site: c.site}
		dst = append(dst, usage.Row{Key: key, Counts: usage.Counts{Fetched: n - c.taken.fetched}})
		c.taken.fetched = n
	}
	return c.takeLate(dst)
}

// takeLate moves the late rows to those that were taken.
func (c *siteCounters) takeLate(dst []usage.Row) []usage.Row {
	c.late.mu.Lock()
	defer c.late.mu.Unlock()
	for k, n := range c.late.rows {
		dst = append(dst, c.row(k, n))
		k.hour = 0 // Stats has no hours
		if c.taken.late == nil {
			c.taken.late = make(map[useKey]usage.Counts)
		}
		sum := c.taken.late[k]
		sum.Add(n)
		c.taken.late[k] = sum
	}
	clear(c.late.rows)
	return dst
}

func (c *siteCounters) row(k useKey, n usage.Counts) usage.Row {
	return usage.Row{
		Key:    usage.Key{Hour: k.hour, Account: c.account, Site: c.site, Protocol: k.proto.String(), Class: k.class},
		Counts: n,
	}
}

// UsageStats are the counters that the usage ledger is made from, of one protocol and
// one class of status.
type UsageStats struct {
	Protocol string // as the access log writes it
	Class    uint8  // first digit of the status, 2 to 5
	usage.Counts
}

// usagesLocked lists what was counted since the start. Edge.mu must be held.
func (c *siteCounters) usagesLocked() (list []UsageStats) {
	c.late.mu.Lock()
	defer c.late.mu.Unlock()
	for p := range Proto(numProtos) {
		for class := uint8(2); class < 2+numClasses; class++ {
			sum := c.used(0, p, class)
			sum.Add(c.used(1, p, class))
			sum.Add(c.taken.late[useKey{0, p, class}])
			for k, n := range c.late.rows {
				if k.proto == p && k.class == class {
					sum.Add(n)
				}
			}
			if sum.Requests > 0 {
				list = append(list, UsageStats{p.String(), class, sum})
			}
		}
	}
	return list
}
