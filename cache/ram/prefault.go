package ram

import (
	"log/slog"
	"sync"
	"sync/atomic"
)

// prefault is the goroutine that touches the arena before anybody needs it.
type prefault struct {
	touched atomic.Int64
	quit    chan struct{}
	once    sync.Once
	done    sync.WaitGroup
}

// startPrefault starts it when wanted. stop must be called before m is unmapped.
func startPrefault(m *memory, wanted bool, log *slog.Logger) *prefault {
	p := &prefault{quit: make(chan struct{})}
	if wanted {
		p.done.Go(func() { p.run(m, log) })
	}
	return p
}

// run touches one slab after the other, lowest first as they are handed out.
func (p *prefault) run(m *memory, log *slog.Logger) {
	for at := 0; at < len(m.slabs); at += slabSize {
		select {
		case <-p.quit:
			return
		default:
		}
		if err := m.touch(at, at+slabSize); err != nil {
			log.Warn("ram: pre-fault gave up, memory comes on first use", "touched", at, "err", err)
			return
		}
		p.touched.Add(slabSize)
	}
}

// stop returns when the goroutine has ended.
func (p *prefault) stop() {
	p.once.Do(func() { close(p.quit) })
	p.done.Wait()
}
