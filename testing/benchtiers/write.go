package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"edged/cache/disk"
	"edged/cache/object"
)

const (
	writeBody   = 64 << 10
	writeRounds = 4
)

// runWrite compares the CPU time of storing and evicting objects of 64 KiB with
// that of a file for each object: write under a temporary name, rename, unlink.
func runWrite(ctx context.Context, b *bench) error {
	n := b.n(20_000/writeRounds, 500)
	body := make([]byte, writeBody)
	var log, files float64
	for i := range writeRounds { // by turns: what else the machine does slows both
		l, err := logCPU(ctx, filepath.Join(b.dir, fmt.Sprint("log", i)), n, body)
		if err != nil {
			return err
		}
		f, err := fileCPU(filepath.Join(b.dir, fmt.Sprint("files", i)), n, body)
		if err != nil {
			return err
		}
		log, files = log+l/writeRounds, files+f/writeRounds
	}
	b.report("CPU to store and evict 64 KiB: log", "us", log/1e3, goal{})
	b.report("CPU to store and evict 64 KiB: file per object", "us", files/1e3, goal{})
	b.report("log / file per object", "", log/files, atMost(1.0/3))
	return nil
}

// logCPU returns the CPU time in ns of one object in a tier that is as large as all
// of them, and of evicting it: the same number is stored once more.
func logCPU(ctx context.Context, dir string, n int, body []byte) (float64, error) {
	t, err := disk.Open(disk.Options{Path: dir, Size: max(64<<20, int64(n)*(writeBody+8<<10)), QueueBytes: 64 << 20, MeanObject: writeBody / 2})
	if err != nil {
		return 0, err
	}
	began := cpuTime()
	for i := range 2 * n {
		m := &object.Meta{Account: "acme", Status: 200, Size: writeBody, Version: uint64(i) + 1, Seq: uint64(i) + 1}
		for !t.Put(indexKey(i), m, 0, []disk.Body{freeBody(body)}) {
			if err := t.Sync(ctx); err != nil {
				return 0, err
			}
		}
	}
	err = t.Close()
	return float64(cpuTime()-began) / float64(2*n), err
}

// fileCPU does the same with files, in directories of two levels as nginx has them.
func fileCPU(dir string, n int, body []byte) (float64, error) {
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprintf("%x/%x", i%16, i/16)), 0o700); err != nil {
			return 0, err
		}
	}
	began := cpuTime()
	for i := range 2 * n {
		if err := storeFile(objectPath(dir, i), body); err != nil {
			return 0, err
		}
		if i >= n {
			if err := os.Remove(objectPath(dir, i-n)); err != nil {
				return 0, err
			}
		}
	}
	return float64(cpuTime()-began) / float64(2*n), nil
}

func objectPath(dir string, i int) string {
	return filepath.Join(dir, fmt.Sprintf("%x/%x/%032x", i%16, i/16%16, i))
}

func storeFile(path string, body []byte) error {
	if err := os.WriteFile(path+".tmp", body, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

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
