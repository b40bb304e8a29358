package object

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBlocks(t *testing.T) {
	tests := []struct {
		size         int64
		blocks, last int
	}{
		{0, 0, 0},
		{1, 1, 1},
		{BlockSize - 1, 1, BlockSize - 1},
		{BlockSize, 1, BlockSize},
		{BlockSize + 1, 2, 1},
		{5<<40 + 7, 5<<20 + 1, 7},
	}
	for _, tt := range tests {
		if got := Blocks(tt.size); got != tt.blocks {
			t.Errorf("Blocks(%d) = %d, want %d", tt.size, got, tt.blocks)
		}
		if tt.blocks == 0 {
			continue
		}
		if got := BlockLen(tt.size, tt.blocks-1); got != tt.last {
			t.Errorf("BlockLen(%d, %d) = %d, want %d", tt.size, tt.blocks-1, got, tt.last)
		}
	}
}

// TestBlocksCover holds that the blocks of a body are its size, none is empty
// and all but the last are full.
func TestBlocksCover(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 64*BlockSize).Draw(t, "size")
		sum, n := int64(0), Blocks(size)
		for i := range n {
			l := BlockLen(size, i)
			if l < 1 || l > BlockSize || i < n-1 && l != BlockSize {
				t.Fatalf("block %d of %d has %d bytes", i, n, l)
			}
			sum += int64(l)
		}
		if sum != size {
			t.Fatalf("blocks have %d bytes, the body %d", sum, size)
		}
	})
}

func TestHeader(t *testing.T) {
	h := Header{{"Cache-Control", "no-cache"}, {"ETag", ""}, {"cache-control", "max-age=1"}, {"CACHE-CONTROL", ""}}
	tests := []struct {
		name, get, joined string
		has               bool
	}{
		{"Cache-control", "no-cache", "no-cache, max-age=1, ", true},
		{"etag", "", "", true},
		{"Vary", "", "", false},
	}
	for _, tt := range tests {
		if got := h.Get(tt.name); got != tt.get {
			t.Errorf("Get(%q) = %q, want %q", tt.name, got, tt.get)
		}
		if got := h.Joined(tt.name); got != tt.joined {
			t.Errorf("Joined(%q) = %q, want %q", tt.name, got, tt.joined)
		}
		if got := h.Has(tt.name); got != tt.has {
			t.Errorf("Has(%q) = %v, want %v", tt.name, got, tt.has)
		}
	}
}

func TestFreshness(t *testing.T) {
	f := Freshness{Received: 100 * int64(time.Second), InitialAge: 5 * time.Second, Lifetime: 60 * time.Second}
	tests := []struct {
		name string
		now  time.Duration
		age  time.Duration
	}{
		{"on receipt", 100 * time.Second, 5 * time.Second},
		{"later", 130 * time.Second, 35 * time.Second},
		{"clock went back", 50 * time.Second, 5 * time.Second},
		{"stale", 1000 * time.Second, 905 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := f.Age(int64(tt.now)); got != tt.age {
				t.Errorf("Age = %v, want %v", got, tt.age)
			}
			if got, want := f.TTL(int64(tt.now)), f.Lifetime-tt.age; got != want {
				t.Errorf("TTL = %v, want %v", got, want)
			}
		})
	}
}
