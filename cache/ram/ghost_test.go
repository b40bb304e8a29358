package ram

import "testing"

func TestGhostWindow(t *testing.T) {
	const window = 100
	g := newGhost()
	g.add(1, 10, window)
	g.add(2, 40, window)
	g.add(3, 60, window) // 100 pages after 1
	for _, h := range []uint64{1, 2, 3} {
		if !g.take(h, window) {
			t.Errorf("hash %d is forgotten within the window", h)
		}
		if g.take(h, window) {
			t.Errorf("hash %d is still there after take", h)
		}
	}
	g.add(4, 1, window)
	g.add(5, 101, window)
	if g.take(4, window) {
		t.Error("a hash is remembered beyond the window")
	}
	if g.take(6, window) {
		t.Error("a hash is remembered that never came")
	}
}

func TestGhostGrows(t *testing.T) {
	const n, window = 100_000, 1 << 30
	g := newGhost()
	for i := range uint64(n) {
		g.add(mix(i), 1, window)
	}
	known := 0
	for i := range uint64(n) {
		if g.take(mix(i), window) {
			known++
		}
	}
	if known < n*8/10 {
		t.Errorf("remembers %d of %d hashes in a table of %d", known, n, len(g.table))
	}
	if len(g.table) > 4*n {
		t.Errorf("%d entries for %d hashes", len(g.table), n)
	}
}

// TestGhostStaysSmall holds that what is outside the window takes no room.
func TestGhostStaysSmall(t *testing.T) {
	g := newGhost()
	for i := range uint64(1_000_000) {
		g.add(mix(i), 1, ghostMin/4)
	}
	if len(g.table) > 2*ghostMin {
		t.Errorf("%d entries for a window of %d", len(g.table), ghostMin/4)
	}
}

func TestGhostClockWraps(t *testing.T) {
	const window = 1000
	g := newGhost()
	g.clock = ^uint32(0) - 50
	g.add(1, 10, window)
	g.add(2, 100, window)
	if !g.take(1, window) || !g.take(2, window) {
		t.Error("hashes are forgotten when the clock wraps")
	}
}

func TestGhostZeroHash(t *testing.T) {
	g := newGhost()
	if g.take(0, 10) {
		t.Error("an empty table knows hash 0")
	}
	g.add(0, 1, 10)
	if !g.take(0, 10) {
		t.Error("hash 0 cannot be remembered")
	}
}
