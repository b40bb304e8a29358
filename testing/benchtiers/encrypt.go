package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"edged/cache/disk"
	"edged/cache/object"
)

// encryptedBody is the length of the objects that runEncryption reads.
const encryptedBody = 64 << 10

// runEncryption reads the same objects from a plain and from an encrypted disk, both
// from the page cache, in turns.
func runEncryption(ctx context.Context, b *bench) error {
	objects := b.n(2000, 100)
	var cost [2][]float64
	tiers, err := encryptionTiers(ctx, b, objects)
	defer func() {
		for _, t := range tiers {
			_ = t.Close() // the figures are what counts
		}
	}()
	if err != nil {
		return err
	}
	for range 5 {
		for i, t := range tiers {
			ns, err := readAll(t, objects)
			if err != nil {
				return err
			}
			cost[i] = append(cost[i], ns)
		}
	}
	slices.Sort(cost[0])
	slices.Sort(cost[1])
	plain, sealed := cost[0][2], cost[1][2] // the medians
	b.report("lookup and read of 64 KiB, not encrypted", "µs", plain/1000, goal{})
	b.report("the same, encrypted", "µs", sealed/1000, goal{})
	b.report("share of encryption in a disk hit", "%", 100*(sealed-plain)/sealed, goal{})
	return nil
}

// encryptionTiers returns a plain and an encrypted disk with the same objects.
func encryptionTiers(ctx context.Context, b *bench, objects int) (tiers []*disk.Tier, err error) {
	for _, e := range []disk.Encryption{disk.Plain, disk.Ephemeral} {
		t, err := disk.Open(disk.Options{
			Path: filepath.Join(b.dir, e.String()), Size: max(256<<20, int64(objects)*(encryptedBody+16<<10)), Encryption: e,
		})
		if err != nil {
			return tiers, err
		}
		tiers = append(tiers, t)
		body := make(freeBody, encryptedBody)
		for i := range objects {
			m := &object.Meta{Account: "bench", Status: 200, Size: encryptedBody, Version: uint64(i) + 1, Seq: uint64(i) + 1}
			if !t.Put(encryptedKey(i), m, 0, []disk.Body{body}) {
				return tiers, errors.New("a put was refused")
			}
			if i%500 == 499 || i == objects-1 {
				if err := t.Sync(ctx); err != nil {
					return tiers, err
				}
			}
		}
	}
	return tiers, nil
}

func encryptedKey(i int) object.Key { return object.Key(fmt.Sprint("bench\x00/", i)) }

// readAll looks every object up, reads it and returns the CPU time of one, in
// nanoseconds.
func readAll(t *disk.Tier, objects int) (float64, error) {
	dst := make([]byte, encryptedBody)
	start := cpuTime()
	for i := range objects {
		e, ok := t.Lookup(encryptedKey(i))
		if !ok {
			return 0, fmt.Errorf("object %d is not stored", i)
		}
		if err := t.ReadBlock(e, 0, dst); err != nil {
			return 0, err
		}
	}
	return perOp(cpuTime()-start, objects), nil
}
