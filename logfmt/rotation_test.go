package logfmt

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Bubbles begin here, so names are known.
const bubbleStart = "20000101T000000Z"

// inBubble runs a test of writers with a clock that only moves when all wait.
func inBubble(t *testing.T, change func(*Options), test func(t *testing.T, w *Writer, disk *faultyFS)) {
	t.Helper()
	for _, f := range []Format{W3C, Binary} { // lines and blocks
		t.Run(f.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := testOptions(t.TempDir())
				o.Format = f
				if change != nil {
					change(&o)
				}
				w, disk := startWriter(t, o)
				test(t, w, disk)
				_ = w.Close()
				checkBooks(t, w, readDir(t, o.Dir))
			})
		})
	}
}

// pass lets d pass and everything that is due happen.
func pass(d time.Duration) {
	time.Sleep(d) // inside a bubble
	synctest.Wait()
}

func wantFiles(t *testing.T, w *Writer, want ...string) {
	t.Helper()
	if got := fileNames(t, w.opts.Dir); !slices.Equal(got, want) {
		t.Errorf("files are %q, want %q", got, want)
	}
}

func TestRecordIsOnDiskInTime(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *Writer, _ *faultyFS) {
		pass(10 * time.Minute)
		wantFiles(t, w) // an idle node makes no files
		pass(time.Millisecond)
		w.Write(sampleHit())
		if st := w.Stats(); st.Queued != 1 || st.QueuedBytes == 0 {
			t.Errorf("%+v", st)
		}
		pass(flushEvery)
		if st := w.Stats(); st.Written != 1 || st.Queued != 0 || st.QueuedBytes != 0 {
			t.Errorf("%v later: %+v", flushEvery, st)
		}
		wantFiles(t, w, "access-edge-1-20000101T001000Z-1.log.part")
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		wantFiles(t, w, "access-edge-1-20000101T001000Z-1.log")
	})
}

func TestFullQueueIsFlushedAtOnce(t *testing.T) {
	inBubble(t, func(o *Options) { o.QueueBytes = minQueue }, func(t *testing.T, w *Writer, _ *faultyFS) {
		pass(time.Millisecond)
		for range 1000 {
			w.Write(sampleHit())
			synctest.Wait() // the flusher may run, the clock stands
		}
		if st := w.Stats(); st.Dropped != 0 || st.Written == 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestRotationBySize(t *testing.T) {
	const limit = 4000
	inBubble(t, func(o *Options) { o.MaxSize = limit }, func(t *testing.T, w *Writer, _ *faultyFS) {
		for range 100 {
			w.Write(sampleHit())
		}
		if err := w.Rotate(); err != nil {
			t.Fatal(err)
		}
		names := fileNames(t, w.opts.Dir)
		if len(names) < 5 {
			t.Errorf("only %d files", len(names))
		}
		for _, name := range names {
			info, err := os.Stat(filepath.Join(w.opts.Dir, name))
			if err != nil || info.Size() > limit {
				t.Errorf("%s: %d bytes, %v", name, info.Size(), err)
			}
		}
		if st := w.Stats(); int(st.Closed) != len(names) {
			t.Errorf("%d files closed, %d there", st.Closed, len(names))
		}
	})
}

// The name says which record comes first, lost ones counted.
func TestFileNamesTellFirstNumber(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *Writer, _ *faultyFS) {
		for range 3 {
			w.Write(sampleHit())
			w.Write(sampleHit())
			if err := w.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
		wantFiles(t, w, "access-edge-1-"+bubbleStart+"-1.log",
			"access-edge-1-"+bubbleStart+"-3.log", "access-edge-1-"+bubbleStart+"-5.log")
	})
}

func TestRotationByAge(t *testing.T) {
	inBubble(t, func(o *Options) { o.MaxAge = time.Minute }, func(t *testing.T, w *Writer, _ *faultyFS) {
		w.Write(sampleHit())
		pass(flushEvery)
		pass(time.Minute - flushEvery)
		wantFiles(t, w, "access-edge-1-20000101T000000Z-1.log.part")
		pass(flushEvery)
		wantFiles(t, w, "access-edge-1-20000101T000000Z-1.log")
		pass(time.Hour)
		w.Write(sampleHit())
		pass(flushEvery)
		wantFiles(t, w, "access-edge-1-20000101T000000Z-1.log", "access-edge-1-20000101T010101Z-2.log.part")
	})
}

func TestRotateWithoutRecords(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *Writer, _ *faultyFS) {
		if err := w.Rotate(); err != nil {
			t.Error(err)
		}
		wantFiles(t, w)
	})
}

// touch makes an empty file.
func touch(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRetention(t *testing.T) {
	foreign := []string{
		"access-edge-1-19990101T000000Z-1.log.bz2", "access-edge-1-19990101T000000Z-x.log",
		"access-edge-1-1999-1.log", "access-edge-1-extra-19990101T000000Z-1.log",
		"access-edge-2-19990101T000000Z-1.log", "access.log", "error.log",
		"access-edge-1-", "access-edge-1-x", "other-edge-1-19990101T000000Z-1.log",
	}
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t.TempDir())
		touch(t, o.Dir, "access-edge-1-19991229T235959Z-77.manifest.json") // of a file that was collected
		o.Retention = 48 * time.Hour
		for _, name := range foreign {
			touch(t, o.Dir, name)
		}
		old := []string{"access-edge-1-19991229T235959Z-1.log", "access-edge-1-19991230T000000Z-5.log.zst"}
		young := []string{"access-edge-1-19991230T003000Z-9.log", "access-edge-1-19991230T013000Z-9.log"}
		for _, name := range append(old, young...) {
			touch(t, o.Dir, name)
		}
		w, _ := startWriter(t, o)
		check := func(when string, kept ...string) {
			t.Helper()
			want := append(slices.Clone(foreign), kept...)
			slices.Sort(want)
			if got := fileNames(t, o.Dir); !slices.Equal(got, want) {
				t.Errorf("%s: files are %q, want %q", when, got, want)
			}
		}
		check("at start", young...)
		if st := w.Stats(); st.Deleted != 2 || st.Files != 2 || st.FileBytes != 4 || st.Oldest.Hour() != 0 {
			t.Errorf("%+v", st)
		}
		pass(time.Hour)
		check("after an hour", young[1])
		pass(time.Hour)
		check("after two hours")
		for _, name := range allNames(t, o.Dir) {
			if strings.HasSuffix(name, suffixManifest) {
				t.Errorf("%s outlived its file", name)
			}
		}
		if st := w.Stats(); st.Deleted != 4 || st.Files != 0 || !st.Oldest.IsZero() {
			t.Errorf("%+v", st)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTotalSizeIsLimited(t *testing.T) {
	inBubble(t, func(o *Options) { o.MaxTotal = 5000 }, func(t *testing.T, w *Writer, _ *faultyFS) {
		for i := range 12 {
			w.Write(sampleHit())
			if err := w.Rotate(); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			if st := w.Stats(); st.FileBytes > 5000 || st.Files == 0 {
				t.Errorf("after %d files: %+v", i+1, st)
			}
		}
		names := fileNames(t, w.opts.Dir)
		if last := names[len(names)-1]; !strings.HasSuffix(last, "-12.log") {
			t.Errorf("the youngest file was deleted: %q", names)
		}
		// The books of what is left are not whole any more: leave none.
		for _, name := range names {
			if err := os.Remove(filepath.Join(w.opts.Dir, name)); err != nil {
				t.Error(err)
			}
		}
		w.counters.written.Store(0)
		for i := range w.shards {
			w.shards[i].offered = 0
		}
	})
}

// A file that somebody collected is no error.
func TestFilesMayBeTakenAway(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *Writer, _ *faultyFS) {
		k := newKeeper(w, naming{"access-edge-1-"})
		if !k.remove("access-edge-1-" + bubbleStart + "-1.log") {
			t.Error("a file that is gone counts as kept")
		}
		if st := w.Stats(); st.Errors != 0 {
			t.Errorf("%d errors", st.Errors)
		}
	})
}

// Two processes write side by side while one replaces the other.
func TestTwoWritersInOneDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t.TempDir())
		first, _ := startWriter(t, o)
		first.Write(sampleHit())
		pass(flushEvery)
		second, _ := startWriter(t, o)
		wantFiles(t, first, "access-edge-1-"+bubbleStart+"-1.log.part")
		second.Write(sampleRefused())
		pass(flushEvery)
		first.Write(sampleRefused())
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		if err := second.Close(); err != nil {
			t.Error(err)
		}
		var sizes []string
		runs := map[int64]int{}
		for _, r := range readDir(t, o.Dir) {
			runs[r.Sequence.Run]++
			sizes = append(sizes, fmt.Sprint(r.Status))
		}
		if len(runs) != 2 || len(sizes) != 3 {
			t.Errorf("%d runs, records %v", len(runs), sizes)
		}
	})
}

// Files that begin in one second with one number still have names of their own.
func TestNamesDoNotCollide(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *Writer, _ *faultyFS) {
		for _, suffix := range []string{suffixClosed, suffixZstd} {
			touch(t, w.opts.Dir, "access-edge-1-20000101T00000"+map[string]string{suffixClosed: "0", suffixZstd: "1"}[suffix]+"Z-1"+suffix)
		}
		w.Write(sampleHit())
		if err := w.Rotate(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, name := range []string{"access-edge-1-20000101T000000Z-1.log", "access-edge-1-20000101T000001Z-1.log.zst"} {
			if err := os.Remove(filepath.Join(w.opts.Dir, name)); err != nil {
				t.Error(err)
			}
		}
		wantFiles(t, w, "access-edge-1-20000101T000002Z-1.log")
	})
}
