package logfmt

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// writeMany writes n records while the clock stands and tells how long it took
// on it: nothing, unless a Write waited.
func writeMany(t *testing.T, w *Writer, n int) {
	t.Helper()
	start := time.Now()
	r := sampleHit()
	for range n {
		w.Write(r)
	}
	if waited := time.Since(start); waited != 0 {
		t.Errorf("writing waited %v for the disk", waited)
	}
}

func TestFullDisk(t *testing.T) {
	var log *lockedBuffer
	change := func(o *Options) { o.QueueBytes = minQueue; o.Log, log = logTo() }
	inBubble(t, change, func(t *testing.T, w *Writer, disk *faultyFS) {
		writeMany(t, w, 3)
		pass(flushEvery)
		disk.fail(opWrite, syscall.ENOSPC)
		for range 20 {
			writeMany(t, w, 100)
			pass(flushEvery)
		}
		st := w.Stats()
		if st.Written != 3 || st.Dropped == 0 || st.Queued == 0 || st.Failing == "" || st.Errors == 0 {
			t.Errorf("while the disk is full: %+v", st)
		}
		if err := w.Flush(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Flush says %v", err)
		}
		if err := w.Rotate(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Rotate says %v", err)
		}
		disk.fail(opWrite, nil)
		writeMany(t, w, 1) // queue is full: dropped
		pass(flushEvery)
		writeMany(t, w, 1)
		pass(flushEvery)
		after := w.Stats()
		if after.Failing != "" || after.Queued != 0 || after.Dropped != st.Dropped+1 {
			t.Errorf("when there is room again: %+v", after)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		var reported int64
		for _, r := range readDir(t, w.opts.Dir) {
			reported += r.Sequence.Dropped
		}
		if reported != after.Dropped {
			t.Errorf("%d losses reported, %d counted", reported, after.Dropped)
		}
		if n := strings.Count(log.String(), "cannot be written"); n != 1 {
			t.Errorf("told the operator %d times:\n%s", n, log)
		}
	})
}

func TestSlowDisk(t *testing.T) {
	inBubble(t, func(o *Options) { o.QueueBytes = minQueue }, func(t *testing.T, w *Writer, disk *faultyFS) {
		disk.set(opWrite, slow(time.Hour))
		for range 10 {
			writeMany(t, w, 200)
			pass(time.Minute)
		}
		if st := w.Stats(); st.Dropped == 0 || st.Offered != 2000 {
			t.Errorf("%+v", st)
		}
		disk.set(opWrite, nil)
		pass(3 * time.Hour)
		writeMany(t, w, 1)
		pass(flushEvery)
		if st := w.Stats(); st.Queued != 0 || st.Written+st.Dropped != 2001 {
			t.Errorf("%+v", st)
		}
	})
}

func TestDiskThatStaysFullUntilClose(t *testing.T) {
	for _, op := range []string{opWrite, opOpen, opList} {
		t.Run(op, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, w *Writer, disk *faultyFS) {
				writeMany(t, w, 5)
				disk.fail(op, syscall.ENOSPC)
				if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("Close says %v", err)
				}
				if st := w.Stats(); st.Dropped != 5 || st.Queued != 0 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// A failed write leaves half a chunk behind; no line may be cut or come twice.
func TestHalfWrites(t *testing.T) {
	inBubble(t, func(o *Options) { o.MaxSize = 64 << 10 }, func(t *testing.T, w *Writer, disk *faultyFS) {
		for i := range 40 {
			disk.fail(opWrite, nil)
			if i%3 != 0 {
				disk.fail(opWrite, syscall.EIO)
			}
			writeMany(t, w, 7)
			pass(flushEvery)
		}
		disk.fail(opWrite, nil)
		if st := w.Stats(); st.Dropped != 0 || st.Offered != 280 {
			t.Errorf("%+v", st)
		}
	})
}

// A file that cannot be written for long is given up for another one.
func TestBadFileIsGivenUp(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *Writer, disk *faultyFS) {
		writeMany(t, w, 1)
		pass(flushEvery)
		disk.fail(opWrite, syscall.EIO)
		writeMany(t, w, 1)
		pass(giveUpAfter * flushEvery)
		if st := w.Stats(); st.Closed != 1 {
			t.Errorf("%+v", st)
		}
		disk.fail(opWrite, nil)
		pass(flushEvery)
		if names := fileNames(t, w.opts.Dir); len(names) != 2 {
			t.Errorf("files are %q", names)
		}
	})
}

// What a disk refuses beside writing costs no record.
func TestOtherFaults(t *testing.T) {
	for _, op := range []string{opRename, opSync, opTruncate, opRemove} {
		t.Run(op, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, w *Writer, disk *faultyFS) {
				writeMany(t, w, 3)
				pass(flushEvery)
				disk.fail(op, syscall.EIO)
				if err := w.Rotate(); err != nil {
					t.Error(err)
				}
				pass(tidyEvery)
				disk.fail(op, nil)
				writeMany(t, w, 3)
				pass(tidyEvery) // a file that was not renamed is found again
				if st := w.Stats(); st.Written != 6 || (op == opRename || op == opSync) != (st.Errors > 0) {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// A node with a full log disk starts and serves.
func TestStartOnFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t.TempDir()).withDefaults()
		disk := newFaultyFS(t, o.Dir)
		disk.fail(opOpen, syscall.ENOSPC)
		w, err := newWriter(o, disk)
		if err != nil {
			t.Fatal(err)
		}
		writeMany(t, w, 3)
		pass(time.Second)
		disk.fail(opOpen, nil)
		pass(time.Second)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		checkBooks(t, w, readDir(t, o.Dir))
		if st := w.Stats(); st.Written != 3 {
			t.Errorf("%+v", st)
		}
	})
}

// A keeper that hangs on its disk does not stop the flusher.
func TestHangingKeeper(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *Writer, disk *faultyFS) {
		disk.set(opSync, slow(24*time.Hour))
		for range 20 {
			writeMany(t, w, 1)
			if err := w.Rotate(); err != nil {
				t.Error(err)
			}
		}
		if st := w.Stats(); st.Written != 20 || st.Closed != 20 {
			t.Errorf("%+v", st)
		}
		disk.set(opSync, nil)
	})
}
