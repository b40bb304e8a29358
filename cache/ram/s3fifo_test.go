package ram

import (
	"testing"

	"pgregory.net/rapid"
)

// pages returns an entry of so many pages.
func pages(hash uint64, n int) *Block { return NewEntry(hash, n*pageSize) }

// victims empties p and returns the hashes in order.
func victims(p Policy) []uint64 {
	var order []uint64
	for b := p.Victim(); b != nil; b = p.Victim() {
		order = append(order, b.Hash())
	}
	return order
}

func TestS3FIFOOrder(t *testing.T) {
	touch := func(n int, bs ...*Block) {
		for _, b := range bs {
			for range n {
				b.Touch()
			}
		}
	}
	tests := []struct {
		name string
		run  func(p Policy, b []*Block)
		want []uint64
	}{
		{"oldest first", func(Policy, []*Block) {}, []uint64{0, 1, 2, 3}},
		{"one hit is not enough", func(_ Policy, b []*Block) { touch(1, b[0]) }, []uint64{0, 1, 2, 3}},
		{"two hits move to main", func(_ Policy, b []*Block) { touch(2, b[0]) }, []uint64{1, 2, 3, 0}},
		{"removed is gone", func(p Policy, b []*Block) { p.Remove(b[1]) }, []uint64{0, 2, 3}},
		{"removed from main is gone", func(p Policy, b []*Block) {
			touch(2, b[0])
			p.Victim() // moves 0, evicts 1
			p.Remove(b[0])
		}, []uint64{2, 3}},
		{"back soon goes to main", func(p Policy, b []*Block) {
			p.Victim()
			if !p.Admit(pages(0, 1)) {
				panic("not remembered")
			}
		}, []uint64{1, 2, 3, 0}},
		{"held is passed over", func(_ Policy, b []*Block) { b[0].refs.Store(2) }, []uint64{1, 2, 3}},
		{"main serves hits with turns", func(p Policy, b []*Block) {
			touch(2, b[0], b[1], b[2])
			p.Victim() // 3 is evicted, the others are in main
			touch(1, b[0])
			touch(3, b[1])
		}, []uint64{2, 0, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := NewS3FIFO()
			blocks := make([]*Block, 4)
			for i := range blocks {
				blocks[i] = pages(uint64(i), 1)
				p.Admit(blocks[i])
			}
			tt.run(p, blocks)
			got := victims(p)
			if len(got) != len(tt.want) {
				t.Fatalf("victims %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Fatalf("victims %v, want %v", got, tt.want)
				}
			}
		})
	}
}

// TestS3FIFOAllHot holds that a victim is found, with bounded effort, even if
// every block is hit all the time.
func TestS3FIFOAllHot(t *testing.T) {
	p := NewS3FIFO()
	blocks := make([]*Block, 4*maxPassedOver)
	for i := range blocks {
		blocks[i] = pages(uint64(i), 1)
		p.Admit(blocks[i])
	}
	for range 20 {
		for _, b := range blocks {
			b.Touch()
			b.Touch()
			b.Touch()
		}
		if p.Victim() == nil {
			t.Fatal("no victim")
		}
	}
}

// TestS3FIFOKeepsBooks drives the policy with random calls beside a set.
func TestS3FIFOKeepsBooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := NewS3FIFO().(*s3fifo)
		var have []*Block
		drop := func(i int) { have[i] = have[len(have)-1]; have = have[:len(have)-1] }
		pick := func(t *rapid.T) int {
			if len(have) == 0 {
				t.Skip("empty")
			}
			return rapid.IntRange(0, len(have)-1).Draw(t, "block")
		}
		t.Repeat(map[string]func(*rapid.T){
			"admit": func(t *rapid.T) {
				b := pages(rapid.Uint64Range(0, 20).Draw(t, "hash"), rapid.IntRange(1, 256).Draw(t, "pages"))
				p.Admit(b)
				have = append(have, b)
			},
			"touch":  func(t *rapid.T) { have[pick(t)].Touch() },
			"pin":    func(t *rapid.T) { have[pick(t)].refs.Store(2) },
			"unpin":  func(t *rapid.T) { have[pick(t)].refs.Store(1) },
			"remove": func(t *rapid.T) { i := pick(t); p.Remove(have[i]); drop(i) },
			"victim": func(t *rapid.T) {
				b := p.Victim()
				for i := range have {
					if have[i] == b {
						if b.pinned() || b.next != nil || b.prev != nil {
							t.Fatalf("victim %+v is pinned or still linked", b)
						}
						drop(i)
						return
					}
					if b == nil && !have[i].pinned() {
						t.Fatal("no victim though one is free")
					}
				}
				if b != nil {
					t.Fatal("the victim was not there")
				}
			},
			"": func(t *rapid.T) {
				weight := int64(0)
				for _, b := range have {
					weight += int64(b.Weight())
				}
				if p.weight() != weight || p.small.len+p.main.len+p.kept.len != len(have) {
					t.Fatalf("policy has %d blocks of %d bytes, want %d of %d",
						p.small.len+p.main.len+p.kept.len, p.weight(), len(have), weight)
				}
			},
		})
	})
}
