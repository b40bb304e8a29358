//go:build race || !linux

package ram

import "log/slog"

// memory is an arena on the Go heap. Race builds use it because the race detector
// does not see accesses outside the heap.
type memory struct{ slabs []byte }

func reserve(size int, _ bool, _ *slog.Logger) (*memory, error) {
	return &memory{slabs: make([]byte, size)}, nil
}

// touch leaves it to the heap when pages come.
func (m *memory) touch(_, _ int) error { return nil }

// unmap leaves the memory to the garbage collector.
func (m *memory) unmap() error { return nil }
