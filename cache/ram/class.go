package ram

import "edged/cache/object"

const (
	pageSize  = 4 << 10
	slabSize  = 2 << 20 // one huge page
	slabPages = slabSize / pageSize
)

// chunksPerSlab defines the size classes, largest chunks first: a slab of class
// i is cut into chunksPerSlab[i] chunks of whole pages. Neighbouring classes
// differ by a third at most up to 170 chunks, so rounding up wastes a sixth on
// average and less for blocks near 1 MiB, of which most bodies consist.
var chunksPerSlab = [...]int{2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 42, 64, 85, 128, 170, 256, 512}

const numClasses = len(chunksPerSlab)

// class is one size class.
type class struct {
	index  int    // position in chunksPerSlab
	chunks int    // chunks in a slab
	pages  uint16 // pages in a chunk

	slabs   int     // slabs that belong to this class
	partial []*slab // those with a free chunk, in no order
}

// classes is the set of all size classes.
type classes struct {
	all     [numClasses]class
	byPages [object.BlockSize/pageSize + 1]uint8 // smallest class that fits so many pages
}

// newClasses computes the table.
func newClasses() *classes {
	c := new(classes)
	for i, n := range chunksPerSlab {
		c.all[i] = class{index: i, chunks: n, pages: uint16(slabPages / n)}
		for p := range int(c.all[i].pages) + 1 {
			c.byPages[p] = uint8(i)
		}
	}
	return c
}

// fit returns the smallest class whose chunks hold n bytes, nil when n is more
// than a block.
func (c *classes) fit(n int) *class {
	if n < 0 || n > object.BlockSize {
		return nil
	}
	return &c.all[c.byPages[(n+pageSize-1)/pageSize]]
}

// of returns the class that b was cut from. Chunk sizes are distinct.
func (c *classes) of(b *Block) *class { return &c.all[c.byPages[b.pages]] }
