package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
)

const sickBody = 64 << 10

// runSick reads from two disks while one of them hangs, and compares what that does
// to reads of the other.
func runSick(ctx context.Context, b *bench) error {
	faults := cachetest.NewFaultFS(nil)
	set := disk.OpenSet([]disk.Options{
		{Path: filepath.Join(b.dir, "sick"), Size: 512 << 20, FS: faults},
		{Path: filepath.Join(b.dir, "well"), Size: 512 << 20},
	}, time.Minute)
	keys, err := fillSick(ctx, set, b.n(4000, 400))
	if err != nil {
		return err
	}
	rounds := b.n(20, 2)
	beside := map[object.Key]bool{}
	for _, key := range keys {
		if e, ok := set.Lookup(key); ok {
			beside[key] = e.Disk() == set.Stats()[1].UUID
		}
	}
	quiet := sickReads(set, keys, beside, rounds)
	hang := make(chan struct{})
	clearRead := faults.Inject(cachetest.Fault{Op: cachetest.OpRead, Hang: hang})
	clearWrite := faults.Inject(cachetest.Fault{Op: cachetest.OpWrite, Hang: hang})
	hung := sickReads(set, keys, beside, rounds)
	health := set.Stats()[0].Health
	clearRead()
	clearWrite()
	close(hang)
	if err := set.Close(); err != nil {
		return err
	}
	if health != disk.Offline {
		return fmt.Errorf("the hung disk is %v", health)
	}
	b.report("p99 of reading 64 KiB from the disk beside, quiet", "us", quiet, goal{})
	b.report("p99 of reading 64 KiB from the disk beside, one hangs", "us", hung, goal{})
	b.report("p99 beside a hung disk / quiet", "", hung/quiet, atMost(1.5))
	return nil
}

func fillSick(ctx context.Context, set *disk.Set, n int) ([]object.Key, error) {
	keys := make([]object.Key, n)
	for i := range keys {
		keys[i] = indexKey(i)
		m := &object.Meta{Account: "acme", Status: 200, Size: sickBody, Version: uint64(i) + 1, Seq: uint64(i) + 1}
		for !set.Put(keys[i], m, 0, []disk.Body{freeBody(make([]byte, sickBody))}) {
			if err := set.Sync(ctx); err != nil {
				return nil, err
			}
		}
	}
	return keys, set.Sync(ctx)
}

// sickReads reads all keys from four sides and returns the 99th percentile, in
// microseconds, of those that are on the second disk: the keys in beside.
func sickReads(set *disk.Set, keys []object.Key, beside map[object.Key]bool, rounds int) float64 {
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		took []time.Duration
	)
	for side := range 4 {
		all.Go(func() {
			var own []time.Duration
			dst := make([]byte, sickBody)
			for i := range len(keys) * rounds / 4 {
				began := time.Now()
				key := keys[(i*4+side)%len(keys)]
				e, ok := set.Lookup(key)
				if ok && beside[key] && set.ReadBlock(e, 0, dst) == nil {
					own = append(own, time.Since(began))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
		})
	}
	all.Wait()
	slices.Sort(took)
	return float64(took[len(took)*99/100].Nanoseconds()) / 1e3
}
