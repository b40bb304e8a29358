package ram

import (
	"testing"

	"edged/cache/object"
)

func TestClassTable(t *testing.T) {
	c := newClasses()
	for i := range c.all {
		k := &c.all[i]
		if int(k.pages)*k.chunks > slabPages {
			t.Errorf("class %d: %d chunks of %d pages exceed a slab", i, k.chunks, k.pages)
		}
		if i > 0 && k.pages >= c.all[i-1].pages {
			t.Errorf("class %d: %d pages, the larger class before it has %d", i, k.pages, c.all[i-1].pages)
		}
		if got := c.of(&Block{pages: k.pages}); got != k {
			t.Errorf("a block of %d pages is said to be of class %d, want %d", k.pages, got.index, i)
		}
	}
	if got := int(c.all[0].pages) * pageSize; got != object.BlockSize {
		t.Errorf("the largest class has %d bytes, want a block", got)
	}
}

func TestClassFit(t *testing.T) {
	c := newClasses()
	for n := range object.BlockSize/pageSize + 1 {
		for _, bytes := range []int{n*pageSize - 1, n * pageSize, n*pageSize + 1} {
			k := c.fit(bytes)
			if bytes < 0 || bytes > object.BlockSize {
				if k != nil {
					t.Errorf("fit(%d) = class of %d pages, want none", bytes, k.pages)
				}
				continue
			}
			if int(k.pages)*pageSize < bytes {
				t.Errorf("fit(%d) = %d pages, too small", bytes, k.pages)
			}
			if k.index < numClasses-1 && int(c.all[k.index+1].pages)*pageSize >= bytes {
				t.Errorf("fit(%d) = %d pages, the next smaller class would do", bytes, k.pages)
			}
		}
	}
}
