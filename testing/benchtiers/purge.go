package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"edged/cache"
	"edged/cache/disk"
	"edged/cache/purge"
	"edged/cache/ram"
)

const (
	purgeObjects = 1_000_000
	purgeRounds  = 301
)

// runPurge purges very many objects under a prefix, noted on a real disk, and looks
// for them before and after a kill.
func runPurge(ctx context.Context, b *bench) error {
	x := &indexBench{bench: b, ctx: ctx, objects: b.n(purgeObjects, 2000)}
	size := int64(x.objects)*indexRecord*11/10 + 256<<20
	x.options = disk.Options{
		Path: filepath.Join(b.dir, "disk"), Size: size, QueueBytes: 256 << 20, ScrubInterval: -1,
		MeanObject: size / int64(x.objects*103/100+5000),
	}
	if err := x.open(); err != nil {
		return err
	}
	if err := x.put(0, x.objects); err != nil {
		return err
	}
	took, err := x.purgeAll()
	x.kill()
	if err != nil {
		return err
	}
	left, err := x.leftAfterRestart()
	if err != nil {
		return err
	}
	slices.Sort(took)
	ms := func(share float64) float64 { return took[int(share*float64(len(took)-1))].Seconds() * 1e3 }
	b.report("objects under the prefix", "", float64(x.objects), goal{})
	b.report("purge of the prefix until it is durable, median", "ms", ms(0.5), atMost(10))
	b.report("the same, 99 of 100", "ms", ms(0.99), goal{})
	b.report(fmt.Sprintf("the same, worst of %d", len(took)), "ms", ms(1), goal{})
	b.report("objects served after the purge and kill -9", "", float64(left), atMost(0))
	return nil
}

// purgeAll purges the prefix of all objects some times, each purge with its own sync,
// the first while all of them can be found.
func (x *indexBench) purgeAll() ([]time.Duration, error) {
	c, memory, err := x.cache()
	if err != nil {
		return nil, err
	}
	defer memory.Close() //nolint:errcheck // was only read
	if found := x.found(c); found != x.objects/indexKeep {
		return nil, fmt.Errorf("%d of %d objects are found before the purge", found, x.objects/indexKeep)
	}
	rules := []purge.Rule{purge.Prefix("acme\x00video.example\x00/vod/")}
	took := make([]time.Duration, purgeRounds)
	for i := range took {
		began := time.Now()
		if _, _, err := c.Purge(0, rules); err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
	}
	if found := x.found(c); found != 0 {
		return nil, fmt.Errorf("%d objects are found after the purge", found)
	}
	return took, nil
}

// leftAfterRestart returns how many objects the successor of a killed process serves.
func (x *indexBench) leftAfterRestart() (int, error) {
	if err := x.open(); err != nil {
		return 0, err
	}
	defer x.kill()
	if _, ok := x.tier.Lookup(indexKey(indexKeep - 1)); !ok && x.tier.Stats().Space.Objects == 0 {
		return 0, fmt.Errorf("the disk has forgotten all by itself: %+v", x.tier.Stats().Recovery)
	}
	c, memory, err := x.cache()
	if err != nil {
		return 0, err
	}
	defer memory.Close() //nolint:errcheck // was only read
	return x.found(c), nil
}

// cache returns a cache over the disk, with a little memory.
func (x *indexBench) cache() (*cache.Cache, *ram.Tier, error) {
	memory, err := ram.New(ram.Options{Size: 64 << 20})
	if err != nil {
		return nil, nil, err
	}
	set := disk.NewSet([]*disk.Tier{x.tier})
	return cache.New(cache.Options{
		RAM: memory, Disks: set, Journals: []cache.Journal{x.tier.Journal()}, Seq: x.tier.Stats().LastSeq,
	}), memory, nil
}

// found returns how many of the objects whose bodies were kept are found.
func (x *indexBench) found(c *cache.Cache) (n int) {
	var buf []byte
	for i := indexKeep - 1; i < x.objects; i += indexKeep {
		o, _, _ := c.Lookup([]byte(indexKey(i)), noSelecting{}, buf[:0])
		if o != nil {
			n++
			c.Done(o)
		}
	}
	return n
}

// noSelecting is a request without any field that selects among variants.
type noSelecting struct{}

func (noSelecting) AppendSelecting(dst []byte, _ string) []byte { return dst }
