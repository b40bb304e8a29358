package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"edged/cache/disk"
	"edged/cache/object"
)

const (
	indexObjects = 10_000_000
	indexKeep    = 100      // one object in so many can be read
	indexBody    = 12 << 10 // bytes of a body
	indexRecord  = 16 << 10 // bytes of its record
)

// indexBench is a disk with very many objects.
type indexBench struct {
	*bench
	ctx     context.Context
	objects int
	options disk.Options
	fs      *hollowFS
	tier    *disk.Tier
}

// runIndex measures an index of ten million objects: its memory, a look-up, and
// how long starts take.
func runIndex(ctx context.Context, b *bench) error {
	x := &indexBench{bench: b, ctx: ctx, objects: b.n(indexObjects, 2000)}
	size := int64(x.objects)*indexRecord*11/10 + 256<<20 // nothing is to be evicted
	x.options = disk.Options{
		Path: filepath.Join(b.dir, "disk"), Size: size, QueueBytes: 256 << 20,
		// Nothing is damaged but the records that the file layer left out. Before, a fill of
		// more than the two minutes after which the scrubber begins lost those that it read.
		ScrubInterval: -1,
		MeanObject:    size / int64(x.objects*103/100+5000), // shards are not filled alike
	}
	for _, step := range []func() error{x.fill, x.lookups, x.cleanStart, x.killedStart, x.footerStart} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// open opens the disk, on a file layer that works.
func (x *indexBench) open() (err error) {
	x.fs = newHollowFS(indexKeep)
	x.options.FS = x.fs
	x.tier, err = disk.Open(x.options)
	return err
}

// kill ends the tier as kill -9 does: nothing it does now reaches the disk.
func (x *indexBench) kill() {
	x.fs.dead.Store(true)
	_ = x.tier.Close() // it cannot save anything, and says so
}

func (x *indexBench) fill() error {
	debug.FreeOSMemory()
	before := residentBytes()
	if err := x.open(); err != nil {
		return err
	}
	began := time.Now()
	if err := x.put(0, x.objects); err != nil {
		return err
	}
	x.report("store an object of 12 KiB, file system left out", "us", perOp(time.Since(began), x.objects)/1e3, goal{})
	debug.FreeOSMemory()
	s := x.tier.Stats()
	if lost := int64(x.objects) - s.Space.Objects; lost != 0 {
		return fmt.Errorf("%d of %d objects are not in the index: %+v, disk %v", lost, x.objects, s.Writes, s.Health)
	}
	x.report("objects in the index", "", float64(s.Space.Objects), goal{})
	x.report("resident memory per object", "B", float64(residentBytes()-before)/float64(x.objects), atMost(48))
	return nil
}

// put stores objects [from, to).
func (x *indexBench) put(from, to int) error {
	body := freeBody(make([]byte, indexBody))
	for i := from; i < to; i++ {
		m := &object.Meta{Account: "acme", Status: 200, Size: indexBody, Version: uint64(i) + 1, Seq: uint64(i) + 1}
		for !x.tier.Put(indexKey(i), m, 0, []disk.Body{body}) {
			if err := x.tier.Sync(x.ctx); err != nil {
				return err
			}
		}
	}
	return x.tier.Sync(x.ctx)
}

const (
	lookupRounds = 9
	lookupKeys   = 200_000 // a round; more than any cache of a processor holds the lines of
)

// lookups measures the index as cache.Lookup goes through it: keys at random out of all
// that are stored, and as many that are not, other ones in every round, by turns. A
// look-up waits for nothing, so that the processor time of its thread is what it takes
// on a machine that has nothing else to do.
func (x *indexBench) lookups() error {
	set := disk.NewSet([]*disk.Tier{x.tier})
	n := min(x.objects, lookupKeys)
	var absent, stored, blocks []time.Duration
	for round := range lookupRounds {
		rng := rand.New(rand.NewPCG(uint64(round), 1))
		keys := make([]object.Key, n)
		for i := range keys {
			keys[i] = indexKey(x.objects + rng.IntN(x.objects))
		}
		took, err := forAll(keys, func(k object.Key) bool { _, ok := set.Lookup(k); return !ok })
		if err != nil {
			return fmt.Errorf("key that is not stored: %w", err)
		}
		absent = append(absent, took)
		for i := range keys {
			keys[i] = indexKey(rng.IntN(x.objects))
		}
		if took, err = forAll(keys, set.Contains); err != nil {
			return fmt.Errorf("key that is stored: %w", err)
		}
		stored = append(stored, took)
		if took, err = x.blockLookups(set); err != nil {
			return err
		}
		blocks = append(blocks, took)
	}
	x.report("look-up of a key that is not stored", "ns", float64(median(absent)), atMost(200))
	x.report("look-up of a key that is stored", "ns", float64(median(stored)), atMost(200))
	x.report("look-up of a block that is stored", "ns", float64(median(blocks)), atMost(200))
	return nil
}

// blockLookups measures how long it takes to find the block of an object that was found
// before.
func (x *indexBench) blockLookups(set *disk.Set) (time.Duration, error) {
	var found []*disk.Entry
	for i := indexKeep - 1; i < x.objects; i += indexKeep {
		if e, ok := set.Lookup(indexKey(i)); ok {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return 0, fmt.Errorf("none of %d stored objects was found", x.objects/indexKeep)
	}
	took, err := forAll(found, func(e *disk.Entry) bool { return set.Has(e, 0) })
	if err != nil {
		return 0, fmt.Errorf("block that is stored: %w", err)
	}
	return took, nil
}

// forAll returns the processor time that look takes for one of list. It must be true
// of all.
func forAll[T any](list []T, look func(T) bool) (time.Duration, error) {
	wrong := 0
	took, err := threadTime(func() error {
		for _, v := range list {
			if !look(v) {
				wrong++
			}
		}
		return nil
	})
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d of %d look-ups went wrong", wrong, len(list))
	}
	return took / time.Duration(len(list)), err
}

func (x *indexBench) cleanStart() error {
	if err := x.tier.Close(); err != nil {
		return err
	}
	return x.start("clean restart to first disk hit", 2)
}

// killedStart is a start after kill -9, a little more stored than the last snapshot
// knows.
func (x *indexBench) killedStart() error {
	if err := x.put(x.objects, x.objects+x.objects/200); err != nil {
		return err
	}
	x.kill()
	return x.start("restart after kill -9 to first disk hit", 10)
}

// footerStart is a start without any snapshot: every footer is read.
func (x *indexBench) footerStart() error {
	x.kill()
	snapshots, err := filepath.Glob(filepath.Join(x.options.Path, "index-*"))
	if err != nil {
		return err
	}
	for _, s := range snapshots {
		if err := os.Remove(s); err != nil {
			return err
		}
	}
	if err := x.start("restart without a snapshot to first disk hit", 10); err != nil {
		return err
	}
	x.kill()
	return nil
}

// start opens the disk and reads one object.
func (x *indexBench) start(what string, limit float64) error {
	debug.FreeOSMemory()
	began := time.Now()
	if err := x.open(); err != nil {
		return err
	}
	key := indexKey(x.objects/indexKeep/2*indexKeep + indexKeep - 1)
	e, ok := x.tier.Lookup(key)
	if !ok {
		return fmt.Errorf("%s: %q is gone", what, key)
	}
	got := make([]byte, indexBody)
	if err := x.tier.ReadBlock(e, 0, got); err != nil {
		return err
	}
	took := time.Since(began)
	if !bytes.Equal(got, make([]byte, indexBody)) {
		return fmt.Errorf("%s: %q has wrong bytes", what, key)
	}
	x.report(what, "s", took.Seconds(), atMost(limit))
	return nil
}

func indexKey(i int) object.Key {
	return object.Key(fmt.Sprintf("acme\x00video.example\x00/vod/%06d/segment-%04d.m4s", i/1000, i%1000))
}

// freeBody is a block that nobody counts.
type freeBody []byte

func (b freeBody) Bytes() []byte { return b }
func (freeBody) Release()        {}
