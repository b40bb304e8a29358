package ram

// ghost remembers the hashes of evicted blocks, as many as would weigh a given
// number of pages. It is a hash table of fixed buckets without pointers: an
// entry is 8 bytes, the garbage collector does not look at them, and the oldest
// entry of a full bucket is simply overwritten.
//
// Two hashes with the same 32 bits count as one. That is as rare as entries ÷ 2³²
// and costs a wrong queue, not a wrong byte.
type ghost struct {
	table   []ghostEntry // buckets of ghostWays, a power of two of them
	clock   uint32       // pages evicted so far; wraps
	added   int          // entries added since the size was last judged,
	crowded int          // and those among them that cost a live one its place
}

// ghostEntry is empty when its fingerprint is zero.
type ghostEntry struct{ fp, at uint32 }

const (
	ghostWays = 4
	ghostMin  = 256 * ghostWays // entries of a new table, 8 KiB
	ghostMax  = 1 << 22         // entries of the largest table, 32 MiB
)

func newGhost() ghost { return ghost{table: make([]ghostEntry, ghostMin)} }

// fingerprint keeps 32 bits of a hash, never zero.
func fingerprint(hash uint64) uint32 { return max(1, uint32(hash)) }

// bucket returns the entries where a fingerprint may be.
func (g *ghost) bucket(fp uint32) []ghostEntry {
	at := int(fp) * ghostWays & (len(g.table) - 1)
	return g.table[at : at+ghostWays]
}

// live reports whether e was added within the last window pages.
func (g *ghost) live(e ghostEntry, window uint32) bool {
	return e.fp != 0 && g.clock-e.at <= window
}

// add remembers hash, of a block of so many pages.
func (g *ghost) add(hash uint64, pages uint16, window uint32) {
	g.clock += uint32(pages)
	if g.added++; g.added > len(g.table)/4 {
		if g.crowded > g.added/16 && len(g.table) < ghostMax {
			g.grow(window)
		}
		g.added, g.crowded = 0, 0
	}
	if g.put(ghostEntry{fingerprint(hash), g.clock}, window) {
		g.crowded++
	}
}

// put stores e, over itself or else over the oldest entry of its bucket. It
// reports whether that one should have lived on.
func (g *ghost) put(e ghostEntry, window uint32) bool {
	bucket := g.bucket(e.fp)
	slot := &bucket[0]
	for i := range bucket {
		s := &bucket[i]
		if s.fp == e.fp {
			*s = e
			return false
		}
		if s.fp == 0 || slot.fp != 0 && g.clock-s.at > g.clock-slot.at {
			slot = s
		}
	}
	lost := g.live(*slot, window)
	*slot = e
	return lost
}

// take forgets hash and reports whether it was remembered.
func (g *ghost) take(hash uint64, window uint32) bool {
	fp := fingerprint(hash)
	bucket := g.bucket(fp)
	for i := range bucket {
		if bucket[i].fp == fp {
			known := g.live(bucket[i], window)
			bucket[i] = ghostEntry{}
			return known
		}
	}
	return false
}

// grow doubles the table and keeps what is alive.
func (g *ghost) grow(window uint32) {
	old := g.table
	g.table = make([]ghostEntry, 2*len(old))
	for _, e := range old {
		if g.live(e, window) {
			g.put(e, window)
		}
	}
}
