package ram

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"edged/cache/object"
)

// model drives a tier at random and knows what must be true of it. Every block
// it fills carries a number in all its pages, so that a chunk which is freed, or
// handed out twice, while somebody holds it shows as a wrong number.
type model struct {
	tier    *Tier
	next    uint64
	numbers map[*Block]uint64 // what was written
	held    []*Block          // references of ours, with repetition
	known   []*Block          // every block ever admitted: a directory without references
	evicted map[*Block]int
	removed map[*Block]bool
	account map[*Block]Account
	nested  *Block // to be released by the next Evicted, as an owner might
}

func newModel(t *rapid.T) *model {
	tier, err := New(Options{Size: MinSize, Shards: rapid.SampledFrom([]int{1, 4}).Draw(t, "shards")})
	if err != nil {
		t.Fatal(err)
	}
	tier.SetFloor(1, 2<<20)
	tier.SetFloor(2, 5<<20)
	return &model{tier: tier, account: map[*Block]Account{}, numbers: map[*Block]uint64{}, evicted: map[*Block]int{}, removed: map[*Block]bool{}}
}

// Evicted implements Owner.
func (m *model) Evicted(b *Block) {
	m.evicted[b]++
	if m.nested != nil {
		m.nested.Release()
		m.nested = nil
	}
}

// stamp writes the number of b into its first n bytes, check looks for it.
func (m *model) stamp(b *Block) {
	m.next++
	m.numbers[b] = m.next
	for at := 0; at < b.Weight(); at += pageSize {
		binary.LittleEndian.PutUint64(b.Buffer()[at:], m.next)
	}
}

func (m *model) check(t *rapid.T, b *Block) {
	for at := 0; at < b.Weight(); at += pageSize {
		if got := binary.LittleEndian.Uint64(b.Buffer()[at:]); got != m.numbers[b] {
			t.Fatalf("a held block has %d at %d, want %d: its chunk was freed", got, at, m.numbers[b])
		}
	}
}

// pick draws one of blocks; the step is skipped when there is none.
func pick(t *rapid.T, blocks []*Block) int {
	if len(blocks) == 0 {
		t.Skip("none")
	}
	return rapid.IntRange(0, len(blocks)-1).Draw(t, "block")
}

func (m *model) alloc(t *rapid.T) {
	n := rapid.SampledFrom([]int{1, pageSize, 60_000, 400_000, object.BlockSize}).Draw(t, "bytes")
	b, ok := m.tier.Alloc(n)
	if !ok {
		if len(m.held) == 0 {
			t.Fatalf("nothing is held, and still no memory: %+v", m.tier.Stats())
		}
		return
	}
	m.stamp(b)
	m.held = append(m.held, b)
}

func (m *model) admit(t *rapid.T) {
	b := m.held[pick(t, m.held)]
	a := rapid.SampledFrom([]Account{0, 1, 2}).Draw(t, "account")
	m.tier.Admit(b, rapid.Uint64Range(0, 50).Draw(t, "hash"), a, m)
	if _, again := m.account[b]; !again {
		m.account[b] = a
	}
	if !slices.Contains(m.known, b) {
		m.known = append(m.known, b)
	}
}

func (m *model) release(t *rapid.T) {
	i := pick(t, m.held)
	b := m.held[i]
	m.check(t, b)
	m.held = slices.Delete(m.held, i, i+1)
	b.Release()
}

func (m *model) retain(t *rapid.T) {
	b := m.known[pick(t, m.known)]
	held := slices.Contains(m.held, b) || m.nested == b
	gone := m.evicted[b] > 0 || m.removed[b]
	if got, want := b.Retain(), held || !gone; got != want {
		t.Fatalf("Retain = %v; held %v, evicted or removed %v", got, held, gone)
	} else if got {
		b.Touch()
		m.check(t, b)
		m.held = append(m.held, b)
	}
}

func (m *model) remove(t *rapid.T) {
	b := m.known[pick(t, m.known)]
	m.tier.Remove(b)
	m.removed[b] = m.removed[b] || m.evicted[b] == 0
}

func (m *model) shrink(t *rapid.T) {
	i := pick(t, m.held)
	b := m.held[i]
	small := m.tier.Shrink(b, rapid.IntRange(8, b.Weight()).Draw(t, "bytes"))
	if small != b {
		m.numbers[small] = m.numbers[b]
		for at := pageSize; at < small.Weight(); at += pageSize {
			binary.LittleEndian.PutUint64(small.Buffer()[at:], m.numbers[b])
		}
		m.held[i] = small
		m.check(t, small)
	}
}

// nest makes the next Evicted release one of our references.
func (m *model) nest(t *rapid.T) {
	if m.nested != nil {
		t.Skip("one at a time")
	}
	i := pick(t, m.held)
	m.nested = m.held[i]
	m.held = slices.Delete(m.held, i, i+1)
}

// invariants are checked after every step.
func (m *model) invariants(t *rapid.T) {
	holders := map[*Block]bool{}
	for _, b := range m.held {
		m.check(t, b)
		holders[b] = true
	}
	if m.nested != nil {
		m.check(t, m.nested)
		holders[m.nested] = true
	}
	resident, used, pinned := 0, 0, 0
	var residents [3]int64
	for _, b := range m.known {
		switch gone := m.evicted[b] > 0 || m.removed[b]; {
		case m.evicted[b] > 1 || m.evicted[b] == 1 && m.removed[b]:
			t.Fatalf("let go of twice: evicted %d times, removed %v", m.evicted[b], m.removed[b])
		case !gone:
			resident += b.Weight()
			residents[m.account[b]] += int64(b.Weight())
			used += b.Weight()
			delete(holders, b)
		case holders[b]:
			pinned += b.Weight()
		}
	}
	for b := range holders {
		used += b.Weight()
	}
	for a, want := range residents {
		if got := m.tier.Account(Account(a)).Resident; got != want {
			t.Fatalf("account %d has %d bytes, want %d", a, got, want)
		}
	}
	s := m.tier.Stats()
	if s.Resident != int64(resident) || s.Pinned != int64(pinned) || s.Used != int64(used) || s.Used+s.Holes > s.Size {
		t.Fatalf("stats %+v, want resident %d, pinned %d, used %d", s, resident, pinned, used)
	}
}

// TestNoChunkIsFreedOrLeaked is the refcount property: whatever happens in
// whatever order, held bytes stay, released bytes come back, and the accounts
// are exact.
func TestNoChunkIsFreedOrLeaked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"alloc":   m.alloc,
			"alloc2":  m.alloc, // more often than the others, to get full
			"admit":   m.admit,
			"admit2":  m.admit,
			"release": m.release,
			"retain":  m.retain,
			"remove":  m.remove,
			"shrink":  m.shrink,
			"nest":    m.nest,
			"":        m.invariants,
		})
		m.finish(t)
	})
}

// finish releases everything and expects an empty tier.
func (m *model) finish(t *rapid.T) {
	for _, b := range m.held {
		b.Release()
	}
	if m.nested != nil {
		m.nested.Release()
	}
	for _, b := range m.known {
		m.tier.Remove(b)
	}
	if s := m.tier.Stats(); s.Used != 0 || s.Holes != 0 || s.InUse != 0 || s.Pinned != 0 || s.Resident != 0 || s.Blocks != 0 {
		t.Fatalf("after everything was released: %+v", s)
	}
	if err := m.tier.Close(); err != nil {
		t.Fatal(err)
	}
}
