package logfmt

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// crowd counts, in memory only, how many viewers share what a log line tells: the
// prefix that is left of an address, a title, and an hour. A line that fewer than k
// share tells too much of one of them, and is made coarser when its file is closed.
//
// A viewer is an IPv4 address or an IPv6 /64. All that is kept of one is a hash under
// a random seed, for two hours beyond the hour it belongs to. What is not known,
// because the process was restarted or the table is full, counts as rare.
//
// It is safe for concurrent use.
type crowd struct {
	k    int
	seed maphash.Seed

	mu    sync.Mutex
	hours map[int64]map[uint64][]uint32 // guarded by mu; by hour and combination, up to k viewers
}

// maxCombinations bounds what one hour takes: some 30 MiB for k of 10.
const maxCombinations = 1 << 18

// crowdHours is how many hours before the latest one are remembered: as long as a
// file may be open by default, and one more.
const crowdHours = 2

func newCrowd(k int) *crowd {
	return &crowd{k: k, seed: maphash.MakeSeed(), hours: make(map[int64]map[uint64][]uint32)}
}

// add counts the viewer of r, for its struck prefix and for a wider one.
func (c *crowd) add(r *Record) {
	a := r.Client.Unmap()
	if !a.IsValid() {
		return
	}
	viewer := uint32(c.hash(viewerOf(a), nil))
	narrow, wide := c.combination(struck(a), r), c.combination(widened(a), r)
	c.mu.Lock()
	defer c.mu.Unlock()
	hour := c.hourLocked(r.Time / int64(time.Hour))
	c.countLocked(hour, narrow, viewer)
	c.countLocked(hour, wide, viewer)
}

// hourLocked returns the table of an hour and forgets old ones.
func (c *crowd) hourLocked(hour int64) map[uint64][]uint32 {
	table, ok := c.hours[hour]
	if !ok {
		for old := range c.hours {
			if old < hour-crowdHours {
				delete(c.hours, old)
			}
		}
		table = make(map[uint64][]uint32)
		c.hours[hour] = table
	}
	return table
}

func (c *crowd) countLocked(hour map[uint64][]uint32, combination uint64, viewer uint32) {
	seen, ok := hour[combination]
	if len(seen) >= c.k || slices.Contains(seen, viewer) || !ok && len(hour) >= maxCombinations {
		return
	}
	hour[combination] = append(seen, viewer)
}

// enough reports whether at least k viewers share prefix, title and hour of r.
func (c *crowd) enough(prefix netip.Prefix, r *Record) bool {
	combination := c.combination(prefix, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.hours[r.Time/int64(time.Hour)][combination]) >= c.k
}

// coarsen makes r coarser if it has to, and counts what it did in a.
func (c *crowd) coarsen(r *Record, a *Anonymity) {
	switch {
	case !r.Client.IsValid() && r.Token.Session == 0, r.Client.IsValid() && c.enough(struck(r.Client), r):
		a.Kept++
	case r.Client.IsValid() && c.enough(widened(r.Client), r):
		r.Client, r.Request.UserAgent = widened(r.Client).Addr(), nil
		a.Widened++
	default:
		r.Client, r.Token.Session, r.Request.UserAgent = netip.Addr{}, 0, nil
		a.Removed++
	}
}

func (c *crowd) combination(prefix netip.Prefix, r *Record) uint64 {
	return c.hash(prefix, titleOf(r.Path))
}

func (c *crowd) hash(p netip.Prefix, title []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	b := p.Addr().As16()
	_, _ = h.Write(b[:]) // never fails
	_ = h.WriteByte(byte(p.Bits()))
	_, _ = h.Write(title)
	return h.Sum64()
}

// titleOf returns what of a path stands for the title: its directory, without what
// begins with the name of a rendition.
func titleOf(path []byte) []byte {
	dir := path[:bytes.LastIndexByte(path, '/')+1]
	if r := RenditionOf(dir); r != nil {
		at := bytes.LastIndex(dir, r)
		dir = dir[:bytes.LastIndexByte(dir[:at], '/')+1]
	}
	return dir
}

// struck is the address that AppendStruck writes.
func struck(a netip.Addr) netip.Prefix {
	bits := 48
	switch b := a.As16(); {
	case a.Is4():
		bits = 24
	case b[0] == 0x20 && b[1] == 0x02:
		bits = 40
	}
	return masked(a, bits)
}

// widened is the address of a /16, or of a /32 for IPv6.
func widened(a netip.Addr) netip.Prefix {
	if a.Is4() {
		return masked(a, 16)
	}
	return masked(a, 32)
}

// viewerOf is what counts as one viewer: households get a /64.
func viewerOf(a netip.Addr) netip.Prefix {
	if a.Is4() {
		return masked(a, 32)
	}
	return masked(a, 64)
}

func masked(a netip.Addr, bits int) netip.Prefix {
	prefix, _ := a.WithZone("").Prefix(bits) // fails only for bits out of range
	return prefix
}
