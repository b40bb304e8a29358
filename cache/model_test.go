package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edged/cache/object"
)

// world is a cache under random use, beside a map of what each version's bytes
// are. Viewers follow the protocol of the request path. What must hold:
//
//   - a reader gets the bytes of exactly one version, from where it began, without
//     a gap, and io.EOF at the true end only;
//   - fills end, readers end, and then nothing is held.
type world struct {
	*store
	base []byte // random; a version's body is a piece of it
	calm bool   // memory for all, nothing fails: then no reader may be cut

	mu     sync.Mutex
	bodies map[uint64][]byte // by Meta.Version
	fills  sync.WaitGroup
	ends   map[string]int // how reading ended, to see that a run means something
}

var worldSizes = []int{
	0, 1, 5000, firstBuffer, firstBuffer + 1, object.BlockSize - 1, object.BlockSize, object.BlockSize + 1,
	2*object.BlockSize + 77, 5 * object.BlockSize, 9*object.BlockSize + 5,
}

func newWorld(t testing.TB, seed uint64, calm bool) *world {
	o, arena := Options{Window: 2 * object.BlockSize, Linger: 50 * time.Millisecond, Stall: 5 * time.Second}, int64(arenaSize)
	if calm {
		o, arena = Options{Window: 64 * object.BlockSize}, 512<<20
	}
	w := &world{store: newStoreOf(t, o, arena), calm: calm, bodies: map[uint64][]byte{}, ends: map[string]int{}}
	if w.parking.max = int64(seed) * object.BlockSize; seed > 3 {
		w.held.max, w.passing.max = 3*object.BlockSize, 6*object.BlockSize
	}
	w.base = make([]byte, 12<<20)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(w.base)
	return w
}

// newBody draws a body, so far of no version.
func (w *world) newBody(r *rand.Rand) []byte {
	n := worldSizes[r.IntN(len(worldSizes))]
	at := r.IntN(len(w.base) - n)
	return w.base[at : at+n]
}

func (w *world) body(o *Object) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bodies[o.Meta().Version]
}

func (w *world) ended(how string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[how]++
}

// fork returns a source of its own for another goroutine.
func fork(r *rand.Rand) *rand.Rand { return rand.New(rand.NewPCG(r.Uint64(), r.Uint64())) }

func pause(r *rand.Rand) {
	if r.IntN(4) == 0 {
		time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
	}
}

// fetch is a leader's fetch: it publishes some answer and sends its body.
func (w *world) fetch(r *rand.Rand, f *Fill, stored *Object) {
	defer w.fills.Done()
	pause(r)
	m := &object.Meta{Account: "a", Status: 200, Size: -1}
	data := w.newBody(r)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch what := r.IntN(12); {
	case what == 0:
		f.Abort(errors.New("origin is down"))
		return
	case what < 3 && stored != nil && stored.Readable():
		f.Freshened(stored, stored.Meta())
		return
	case what < 8:
		m.Size = int64(len(data))
		if r.IntN(2) == 0 {
			m.Freshness.Flags = object.Resumable
		}
	}
	start := 0
	if m.Freshness.Flags != 0 && len(data) > object.BlockSize && r.IntN(4) == 0 {
		start = r.IntN(object.Blocks(m.Size)) * object.BlockSize
	}
	if r.IntN(3) == 0 {
		if err := f.Reserve(ctx, m.Size, int64(start)); err != nil {
			f.Abort(err)
			return
		}
	}
	f.OnStop(cancel)
	if !w.publish(r, f, m, data, start) {
		f.Abort(ErrNoMemory)
		return
	}
	w.pump(ctx, r, f, data)
}

// publish starts the fill. The version's body is known before anybody can ask.
func (w *world) publish(r *rand.Rand, f *Fill, m *object.Meta, data []byte, start int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	impatient, cancel := context.WithCancel(context.Background()) // nobody may wait under the lock
	cancel()
	var o *Object
	switch r.IntN(5) {
	case 0:
		f.DontCollapse(time.Now().UnixNano() - int64(privateFor) + int64(time.Millisecond))
		o, _ = f.StartTransient(impatient, m, int64(start), false)
	case 1:
		o, _ = f.StartTransient(impatient, m, int64(start), true)
	default:
		o = f.Start(m, int64(start))
	}
	if o == nil {
		return false
	}
	w.bodies[o.Meta().Version] = data
	return true
}

// pump sends data until the end of the fill's range, or until something goes wrong.
func (w *world) pump(ctx context.Context, r *rand.Rand, f *Fill, data []byte) {
	end := int64(len(data))
	if f.Limit() >= 0 {
		end = f.Limit()
	}
	trouble := int64(-1)
	if !w.calm && r.IntN(4) == 0 {
		trouble = f.Next() + r.Int64N(end-f.Next()+1)
	}
	for f.Next() < end {
		if trouble >= 0 && f.Next() >= trouble {
			if f.Limit() >= 0 && r.IntN(3) == 0 {
				f.Kill(errors.New("another version"))
				return
			}
			f.Abort(io.ErrUnexpectedEOF)
			return
		}
		room, err := f.Buffer(ctx)
		if errors.Is(err, ErrAbandoned) {
			f.Commit(nil, true) //nolint:errcheck // cannot fail
			return
		}
		if err != nil {
			f.Abort(err)
			return
		}
		next := f.Next()
		n := copy(room, data[next:min(end, next+1+r.Int64N(700_000))])
		f.Advance(n)
		pause(r)
	}
	if err := f.Commit(nil, false); err != nil {
		w.Errorf("Commit of a whole body: %v", err)
	}
}

// viewer makes n requests.
func (w *world) viewer(r *rand.Rand, n int) {
	for range n {
		key := []byte(fmt.Sprint("a\x00site\x00/", r.IntN(4)))
		pause(r)
		o, _ := w.lookup(string(key))
		if o != nil && r.IntN(5) > 0 {
			if o.Readable() {
				w.view(r, o, func() {})
			}
			w.Done(o)
			continue
		}
		w.miss(r, key, o)
	}
}

// miss joins a fetch and reads what it brings.
func (w *world) miss(r *rand.Rand, key []byte, stale *Object) {
	var seen *object.Meta
	if stale != nil {
		seen = stale.Meta()
		defer w.Done(stale)
	}
	f, leader, newer := w.Join(key, seen, time.Now().UnixNano())
	if newer != nil {
		w.view(r, newer, func() {})
		w.Done(newer)
		return
	}
	if leader {
		w.fills.Add(1)
		go w.fetch(fork(r), f, stale)
	}
	if r.IntN(10) == 0 {
		f.Leave() // the client is gone, or this was a validation in the background
		return
	}
	<-f.Ready()
	if f.Err() != nil || !leader && !f.Shared() {
		f.Leave()
		return
	}
	w.view(r, f.Object(), f.Leave)
	w.Done(f.Object())
}

// view reads a random part of o, perhaps not to the end, and checks every byte.
func (w *world) view(r *rand.Rand, o *Object, opened func()) {
	data := w.body(o)
	off, end := int64(0), int64(-1)
	if size := o.Size(); size > 0 && r.IntN(3) == 0 {
		off = r.Int64N(size)
		end = off + 1 + r.Int64N(size-off)
	}
	stop := int64(1 << 40)
	if r.IntN(5) == 0 {
		stop = off + r.Int64N(int64(len(data))+1)
	}
	var reader Reader
	reader.Open(o, off, end)
	opened()
	defer reader.Close()
	last := end
	if end < 0 {
		last = int64(len(data))
	}
	for tries := 0; off < stop; {
		span, err := reader.Next()
		if err == io.EOF {
			if off != last {
				w.Errorf("a body of %d bytes ended cleanly at %d", last, off)
			}
			w.ended("whole")
			return
		}
		if err == ErrMissing && tries < 3 {
			tries++
			if err = w.refill(r, o, &reader); err == nil {
				continue
			}
		}
		if err != nil {
			w.cut(o, err)
			return
		}
		tries = 0
		if off+int64(len(span)) > last || !bytes.Equal(span, data[off:off+int64(len(span))]) {
			w.Errorf("wrong bytes in [%d, %d) of %d", off, off+int64(len(span)), last)
			return
		}
		off += int64(len(span)) - w.stall(r, &reader, span, data[off:])
	}
	w.ended("left")
}

// stall is a client that does not take a span at once, or not all of it. It returns
// how many bytes were given back.
func (w *world) stall(r *rand.Rand, reader *Reader, span, want []byte) (unread int64) {
	if r.IntN(2) == 0 {
		pause(r)
		return 0
	}
	left, read := r.IntN(len(span)), reader.FromRAM+reader.FromDisk+reader.FromOrigin
	reader.Park()
	pause(r)
	if reader.Resume() && !bytes.Equal(span, want[:len(span)]) {
		w.Error("the span of a parked reader changed")
	}
	reader.Unread(left)
	if now := reader.FromRAM + reader.FromDisk + reader.FromOrigin; now != read-int64(left) {
		w.Errorf("%d bytes accounted after %d of %d were given back", now, left, read)
	}
	return int64(left)
}

func (w *world) cut(o *Object, err error) {
	w.ended("cut")
	if w.calm && !o.transient {
		w.Errorf("a reader was cut for no reason: %v", err)
	}
	for _, known := range []error{ErrCut, ErrMissing, ErrNoMemory, ErrStalled, ErrAbandoned} {
		if errors.Is(err, known) {
			return
		}
	}
	w.Errorf("a reader ended with %v", err)
}

func (w *world) refill(r *rand.Rand, o *Object, reader *Reader) error {
	f, leader, err := o.FillFrom(reader.Offset(), reader.End())
	if err != nil || !leader {
		return err
	}
	reader.Lead()
	w.fills.Add(1)
	random := fork(r)
	go func() {
		defer w.fills.Done()
		pause(random)
		w.pump(context.Background(), random, f, w.body(o))
	}()
	f.Leave()
	return nil
}

// weather evicts blocks and makes the disk fail and recover, until done.
func (w *world) weather(r *rand.Rand, done <-chan struct{}) {
	for {
		select {
		case <-done:
			w.disk.fail(false, false)
			return
		case <-time.After(time.Duration(r.IntN(4000)) * time.Microsecond):
		}
		switch r.IntN(5) {
		case 0:
			w.disk.fail(r.IntN(2) == 0, r.IntN(2) == 0)
		case 1:
			w.disk.Remove(object.Key(fmt.Sprint("a\x00site\x00/", r.IntN(4))))
		default:
			w.evictSome(r)
		}
	}
}

func (w *world) evictSome(r *rand.Rand) {
	w.index.each(func(o *Object) bool {
		table := *o.slots.Load()
		for i := range table {
			if sl := table[i].Load(); sl != nil && sl.done.Load() && !o.transient && r.IntN(4) == 0 {
				w.evict(sl)
			}
		}
		return true
	})
}

// run lets viewers loose and checks that nothing is left when they are gone.
func (w *world) run(seed uint64, viewers, requests int) {
	r := rand.New(rand.NewPCG(seed, 1))
	done := make(chan struct{})
	var all, weather sync.WaitGroup
	for range viewers {
		random := fork(r)
		all.Go(func() { w.viewer(random, requests) })
	}
	random := fork(r)
	if !w.calm {
		weather.Go(func() { w.weather(random, done) })
	}
	all.Wait()
	w.fills.Wait()
	close(done)
	weather.Wait()
	w.checkIdle()
}

func (w *world) checkIdle() {
	w.Helper()
	if n := w.Stats().Fills; n != 0 {
		w.Errorf("%d fills have not ended", n)
	}
	if s := w.Stats(); s.Parked.Bytes != 0 || s.Parked.Readers != 0 || s.Held.Used != 0 || s.Passing.Used != 0 {
		w.Errorf("something is held when all are gone: %+v, %+v, %+v", s.Parked, s.Held, s.Passing)
	}
	w.Cache.mu.Lock()
	if n := len(w.joins); n != 0 {
		w.Errorf("%d fetches can still be joined", n)
	}
	w.Cache.mu.Unlock()
	w.index.each(func(o *Object) bool {
		if o.resident.Load() == 0 || o.busy != 0 || len(o.fills) != 0 || len(o.readers) != 0 || o.maker != nil && o.maker.waiting.Load() != 0 {
			w.Errorf("left in the index: %d blocks, %d busy, %d fills, %d readers, size %d, flags %d",
				o.resident.Load(), o.busy, len(o.fills), len(o.readers), o.Size(), o.Meta().Freshness.Flags)
		}
		return true
	})
}

// TestModel runs in synthetic time, so that pauses cost nothing and waits for
// windows, lingering and stalls happen, too.
func TestModel(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed, seed%3 == 2)
			w.run(seed, 6, 40)
			t.Logf("seed %d: %v", seed, w.ends)
			if t.Failed() {
				t.Fatalf("with seed %d", seed)
			}
		})
	}
}

// TestModelInParallel runs with real time and all cores.
func TestModelInParallel(t *testing.T) {
	for seed := range uint64(2) {
		w := newWorld(t, seed, seed%2 == 1)
		w.run(seed+100, 12, 40)
		t.Logf("seed %d: %v", seed, w.ends)
	}
}
