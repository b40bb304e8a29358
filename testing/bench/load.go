package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// settle is how long the load runs before a window begins: connections grow
// their buffers, and the server's scheduler finds its pace.
const settle = 400 * time.Millisecond

// sample is what one window showed.
type sample struct {
	Requests int64
	Bytes    int64 // of bodies
	Wall     time.Duration
	CPU      time.Duration // of the server's processes
	System   time.Duration // of that in the kernel
}

// PerRequest is the server's CPU time for each request.
func (s sample) PerRequest() time.Duration {
	return s.CPU / time.Duration(max(1, s.Requests))
}

// Rate is requests a second.
func (s sample) Rate() float64 { return float64(s.Requests) / s.Wall.Seconds() }

// load is the traffic of one round.
type load struct {
	peer  *peer
	bench *bench
	plan  *plan
	conns int
	done  atomic.Int64 // requests
}

// run drives the peer for the settling time and the window, and returns what the
// window showed. Any wrong response is an error.
func (l *load) run(ctx context.Context, window time.Duration) (sample, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settle+window+2*patience, errors.New("round takes too long"))
	defer cancel()
	clients, err := l.connect(ctx)
	if err != nil {
		return sample{}, err
	}
	defer closeAll(clients)
	stop := context.AfterFunc(ctx, func() {
		for _, c := range clients {
			c.socket.interrupt()
		}
	})
	defer stop()

	var ended atomic.Bool
	errs := make(chan error, len(clients))
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			if err := l.drive(c, i, &ended); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	s, err := l.observe(ctx, window)
	ended.Store(true)
	wg.Wait()
	select {
	case err = <-errs:
		return sample{}, fmt.Errorf("%s, %s: %w", l.peer.name, l.bench.name, err)
	default:
		return s, err
	}
}

// connect opens the connections of a round.
func (l *load) connect(ctx context.Context) ([]*client, error) {
	var all []*client
	for range l.conns {
		c, err := l.peer.dial(ctx, l.bench)
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func closeAll(clients []*client) {
	for _, c := range clients {
		c.close()
	}
}

// drive sends one request after the other until the round has ended.
func (l *load) drive(c *client, index int, ended *atomic.Bool) error {
	requests := l.plan.requests(index)
	want := expectation{length: l.bench.size, mark: l.peer.mark(l.bench.miss())}
	for !ended.Load() {
		if err := c.do(requests(), want); err != nil {
			return err
		}
		l.done.Add(1)
	}
	return nil
}

// observe takes the readings at both ends of the window.
func (l *load) observe(ctx context.Context, window time.Duration) (sample, error) {
	if err := sleep(ctx, settle); err != nil {
		return sample{}, err
	}
	first, err := l.read()
	if err != nil {
		return sample{}, err
	}
	if err := sleep(ctx, window); err != nil {
		return sample{}, err
	}
	last, err := l.read()
	if err != nil {
		return sample{}, err
	}
	n, cpu := last.done-first.done, last.server.minus(first.server)
	return sample{
		Requests: n, Bytes: n * int64(l.bench.size), Wall: last.at.Sub(first.at),
		CPU: cpu.total, System: cpu.system,
	}, nil
}

// reading is the state of all clocks and counters at one moment.
type reading struct {
	at     time.Time
	done   int64
	server cpuTime
}

func (l *load) read() (r reading, err error) {
	r.at, r.done = time.Now(), l.done.Load()
	r.server, err = cpuOf(l.peer.pids())
	return r, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
