package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"edged/cache/disk"
	"edged/cache/object"
)

const (
	writeBody    = 64 << 10
	writeObjects = 8000 // that each side holds
	writeRounds  = 41
)

// runWrite compares the CPU time of storing and evicting objects of 64 KiB with that of a
// file for each object: write under a temporary name, rename, unlink. All sides are full
// when it begins, so that each object stored is one evicted; that matters above all to
// files, because ext4 looks for a free inode past all that were freed in the last seconds.
// No side syncs, as caches of files do not, but for a third one that shows what it costs:
// what the kernel writes back later is on nobody's account. Many short rounds by turns,
// and medians: what else the machine does slows all sides of a round, and spoils some.
func runWrite(ctx context.Context, b *bench) error {
	n := b.n(writeObjects, 200)
	sides, err := openSides(ctx, b.dir, n)
	if err != nil {
		return err
	}
	var costs [len(sides)][]float64
	var ratio []float64
	for range writeRounds {
		for i, s := range sides {
			cost, err := s.round(max(n/16, 10))
			if err != nil {
				return err
			}
			costs[i] = append(costs[i], cost/1e3)
		}
		last := len(costs[0]) - 1
		ratio = append(ratio, costs[0][last]/costs[1][last])
	}
	b.report("CPU to store and evict 64 KiB: log", "us", median(costs[0]), goal{})
	b.report("CPU to store and evict 64 KiB: file per object", "us", median(costs[1]), goal{})
	b.report("log / file per object, neither with fsync", "", median(ratio), atMost(1.0/3))
	b.report("CPU to store and evict 64 KiB: log with its syncs", "us", median(costs[2]), goal{})
	return errors.Join(sides[0].tier.Close(), sides[2].tier.Close())
}

// writeSide stores objects in a tier, or, if that is nil, in files.
type writeSide struct {
	ctx     context.Context
	tier    *disk.Tier
	dir     string
	body    []byte
	objects int // it holds
	next    int
}

// openSides returns the log without syncs, files, and the log with syncs, all full.
func openSides(ctx context.Context, dir string, n int) (sides [3]*writeSide, err error) {
	for i, fs := range []disk.FS{unsyncedFS{disk.OS()}, nil, disk.OS()} {
		s := &writeSide{ctx: ctx, dir: filepath.Join(dir, fmt.Sprint(i)), body: make([]byte, writeBody), objects: n}
		if fs == nil {
			err = s.makeFolders()
		} else {
			s.tier, err = disk.Open(disk.Options{
				Path: s.dir, Size: max(64<<20, int64(n)*(writeBody+8<<10)), QueueBytes: 64 << 20,
				MeanObject: writeBody / 2, FS: fs, ScrubInterval: -1,
			})
		}
		if err == nil {
			_, err = s.round(n * 3 / 2)
		}
		if err != nil {
			return sides, err
		}
		sides[i] = s
	}
	return sides, nil
}

// round stores n objects and returns the CPU time of each in ns.
func (s *writeSide) round(n int) (float64, error) {
	began := cpuTime()
	for range n {
		store := s.storeFile
		if s.tier != nil {
			store = s.put
		}
		if err := store(s.next); err != nil {
			return 0, err
		}
		s.next++
	}
	if s.tier != nil {
		if err := s.tier.Sync(s.ctx); err != nil {
			return 0, err
		}
	}
	return float64(cpuTime()-began) / float64(n), nil
}

func (s *writeSide) put(i int) error {
	m := &object.Meta{Account: "acme", Status: 200, Size: writeBody, Version: uint64(i) + 1, Seq: uint64(i) + 1}
	for !s.tier.Put(indexKey(i), m, 0, []disk.Body{freeBody(s.body)}) {
		if err := s.tier.Sync(s.ctx); err != nil {
			return err
		}
	}
	return nil
}

// makeFolders makes directories of two levels as nginx has them.
func (s *writeSide) makeFolders() error {
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(s.dir, fmt.Sprintf("%x/%x", i%16, i/16)), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (s *writeSide) storeFile(i int) error {
	path := s.path(i)
	if err := os.WriteFile(path+".tmp", s.body, 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil || i < s.objects {
		return err
	}
	return os.Remove(s.path(i - s.objects))
}

func (s *writeSide) path(i int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%x/%x/%032x", i%16, i/16%16, i))
}

// unsyncedFS leaves it to the kernel when bytes reach the device.
type unsyncedFS struct{ disk.FS }

func (f unsyncedFS) OpenFile(name string, flag int) (disk.File, error) {
	file, err := f.FS.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	return unsyncedFile{file}, nil
}

func (unsyncedFS) SyncDir(string) error { return nil }

type unsyncedFile struct{ disk.File }

func (unsyncedFile) Sync() error { return nil }

// runAmplification stores five times what a disk holds, while everything is read often
// enough, shortly before its extent goes, to be kept if there is a way, and compares
// what reached the file layer with the bodies.
func runAmplification(ctx context.Context, b *bench) error {
	size := int64(b.n(1<<30, 64<<20))
	fs := newHollowFS(1)
	t, err := disk.Open(disk.Options{Path: filepath.Join(b.dir, "disk"), Size: size, FS: fs, QueueBytes: 8 << 20, MeanObject: writeBody / 2})
	if err != nil {
		return err
	}
	n := int(5 * size / writeBody)
	lag := n / 5 * 3 / 4
	for i := range n {
		m := &object.Meta{Account: "acme", Status: 200, Size: writeBody, Version: uint64(i) + 1, Seq: uint64(i) + 1}
		for !t.Put(indexKey(i), m, 0, []disk.Body{freeBody(make([]byte, writeBody))}) {
			if err := t.Sync(ctx); err != nil {
				return err
			}
		}
		askTwice(t, i-lag)
	}
	w := t.Stats().Writes
	if err := t.Close(); err != nil {
		return err
	}
	b.report("bytes written / bytes of bodies stored, all of it hot", "", float64(fs.bytes.Load())/(float64(n)*writeBody), atMost(1.2))
	b.report("records kept by writing them again / objects stored", "", float64(w.Rescued)/float64(n), goal{})
	return nil
}

// askTwice reads an object two times; a miss is as good.
func askTwice(t *disk.Tier, i int) {
	got := make([]byte, writeBody)
	for range 2 {
		if e, ok := t.Lookup(indexKey(i)); ok {
			_ = t.ReadBlock(e, 0, got)
		}
	}
}
