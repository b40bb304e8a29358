package logfmt

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testOptions are options for a writer into dir.
func testOptions(dir string) Options {
	return Options{Dir: dir, Node: "edge-1"}
}

// startWriter makes a writer on a faulty file system over o.Dir.
func startWriter(t *testing.T, o Options) (*Writer, *faultyFS) {
	t.Helper()
	o = o.withDefaults()
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	disk := newFaultyFS(t, o.Dir)
	w, err := newWriter(o, disk)
	if err != nil {
		t.Fatal(err)
	}
	return w, disk
}

// fileNames returns the names in dir but those of manifests, sorted.
func fileNames(t *testing.T, dir string) []string {
	t.Helper()
	return slices.DeleteFunc(allNames(t, dir), func(n string) bool { return strings.Contains(n, suffixManifest) })
}

// allNames returns the names in dir, sorted.
func allNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// readDir reads the closed files of dir in the order of their names.
func readDir(t *testing.T, dir string) []Record {
	t.Helper()
	var all []Record
	for _, name := range fileNames(t, dir) {
		if strings.HasSuffix(name, ".part") {
			t.Errorf("%s was left", name)
		}
		f, err := Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, readAll(t, f)...)
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		check, err := VerifyFile(filepath.Join(dir, name))
		if err != nil || len(check.Problems) > 0 {
			t.Errorf("%s: %v, %q", name, err, check.Problems)
		}
	}
	slices.SortFunc(all, func(a, b Record) int { return int(a.Sequence.Number - b.Sequence.Number) })
	return all
}

// checkBooks compares the counters of a closed writer with its files.
func checkBooks(t *testing.T, w *Writer, records []Record) {
	t.Helper()
	st := w.Stats()
	if st.Offered != st.Written+st.Dropped || st.Queued != 0 {
		t.Errorf("offered %d, written %d, dropped %d, queued %d", st.Offered, st.Written, st.Dropped, st.Queued)
	}
	if int(st.Written) != len(records) {
		t.Errorf("%d records counted, %d in files", st.Written, len(records))
	}
	var number, dropped int64
	for _, r := range records {
		if got := r.Sequence; got.Number != number+1+got.Dropped {
			t.Fatalf("record %d follows %d but reports %d dropped", got.Number, number, got.Dropped)
		}
		number = r.Sequence.Number
		dropped += r.Sequence.Dropped
	}
	if dropped > st.Dropped || number > st.Offered {
		t.Errorf("files report %d dropped of %d, counters %d of %d", dropped, number, st.Dropped, st.Offered)
	}
}

func TestWriterWritesWhatItGets(t *testing.T) {
	for _, f := range allFormats {
		t.Run(f.String(), func(t *testing.T) {
			o := testOptions(filepath.Join(t.TempDir(), "made", "on", "demand"))
			o.Format, o.Address = f, Full
			w, err := NewWriter(o)
			if err != nil {
				t.Fatal(err)
			}
			want := []*Record{sampleHit(), sampleRefused(), hostileRecord()}
			for _, r := range want {
				w.Write(r)
				if err := w.Flush(); err != nil { // else the order between queues is free
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got := readDir(t, o.Dir)
			checkBooks(t, w, got)
			for i := range got {
				want[i].Node, want[i].Sequence = "edge-1", got[i].Sequence
				if d := cmp.Diff(want[i], &got[i], sameRecord); d != "" {
					t.Errorf("record %d (-want +got):\n%s", i, d)
				}
			}
		})
	}
}

func TestWriterFromManyGoroutines(t *testing.T) {
	o := testOptions(t.TempDir())
	o.MaxSize, o.QueueBytes = 100<<10, 256<<10 // files and losses
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	const goroutines, each = 8, 2000
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			r := sampleHit()
			for i := range each {
				r.Path = fmt.Appendf(r.Path[:0], "/%d/%d", g, i)
				r.BytesSent = int64(i)
				w.Write(r)
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := readDir(t, o.Dir)
	checkBooks(t, w, got)
	if st := w.Stats(); st.Offered != goroutines*each || st.Closed < 2 {
		t.Errorf("offered %d, closed %d files", st.Offered, st.Closed)
	}
	seen := map[string]bool{}
	for _, r := range got {
		if path := string(r.Path); seen[path] || !strings.HasSuffix(path, fmt.Sprint("/", r.BytesSent)) {
			t.Fatalf("record %q was mixed up or written twice", path)
		} else {
			seen[path] = true
		}
	}
}

func TestClosedWriterDropsAndCounts(t *testing.T) {
	o := testOptions(t.TempDir())
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(sampleHit())
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	w.Write(sampleHit())
	checkBooks(t, w, readDir(t, o.Dir))
	if st := w.Stats(); st.Dropped != 1 || st.Written != 1 {
		t.Errorf("%+v", st)
	}
	if err := w.Flush(); !errors.Is(err, ErrClosed) {
		t.Errorf("Flush: %v", err)
	}
	if err := w.Rotate(); !errors.Is(err, ErrClosed) {
		t.Errorf("Rotate: %v", err)
	}
}

func TestOversizedRecordIsDropped(t *testing.T) {
	o := testOptions(t.TempDir())
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	big := sampleHit()
	big.Path = make([]byte, maxLine)
	w.Write(big)
	w.Write(sampleHit())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	checkBooks(t, w, readDir(t, o.Dir))
	if st := w.Stats(); st.Oversized != 1 || st.Dropped != 1 {
		t.Errorf("%+v", st)
	}
}

func TestQueueMemoryIsBounded(t *testing.T) {
	for _, size := range []int{minQueue, 300 << 10, 1 << 20, defaultQueue} {
		w := &Writer{opts: Options{QueueBytes: size}}
		each := w.makeShards()
		total := each // the flusher's
		for i := range w.shards {
			total += cap(w.shards[i].buf)
		}
		if total > size || each < size/(len(w.shards)+2) {
			t.Errorf("QueueBytes %d: %d queues of %d", size, len(w.shards), each)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"no directory":       func(o *Options) { o.Dir = "" },
		"file name":          func(o *Options) { o.Node = "a/b" },
		`"" does not fit`:    func(o *Options) { o.Node = "" },
		`".x" does not fit`:  func(o *Options) { o.Name = ".x" },
		"unknown format":     func(o *Options) { o.Format = 7 },
		"address mode":       func(o *Options) { o.Address = 7 },
		"retention of 2161h": func(o *Options) { o.Retention = MaxRetention + time.Hour },
		"lower its age":      func(o *Options) { o.Retention, o.MaxAge = time.Hour, 2*time.Hour },
		"age of a file":      func(o *Options) { o.MaxAge = -1 },
		"size of a file":     func(o *Options) { o.MaxSize = -1 },
		"size of all files":  func(o *Options) { o.MaxTotal = -1 },
		"compression":        func(o *Options) { o.Compress = 9 },
		"anonymity of 1":     func(o *Options) { o.Anonymity = 1 },
		"anonymity needs":    func(o *Options) { o.Anonymity, o.Address = 5, Pseudonym },
		"key of pseudonyms":  func(o *Options) { o.PseudonymKey = time.Minute },
		"queue of 1 bytes":   func(o *Options) { o.QueueBytes = 1 },
	} {
		o := testOptions(t.TempDir())
		change(&o)
		if w, err := NewWriter(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
			if w != nil {
				_ = w.Close()
			}
		}
	}
}

func TestDirectoryThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewWriter(testOptions(file)); err == nil {
		t.Error("a file was taken for a directory")
	}
	o := testOptions(t.TempDir()).withDefaults()
	disk := newFaultyFS(t, o.Dir)
	disk.fail(opOpen, fs.ErrPermission)
	if _, err := newWriter(o, disk); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("no permission: %v", err)
	}
	if err := disk.Close(); err != nil {
		t.Error(err)
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, m := range []AddressMode{Strike, Pseudonym, Full, None} {
		o := testOptions(t.TempDir())
		o.Address = m
		w, err := NewWriter(o)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(sampleHit0) // the first one of a day makes the key
		got := testing.AllocsPerRun(1000, func() {
			r := *sampleHit0
			w.Write(&r)
		})
		if got != 0 {
			t.Errorf("%v: %v allocations a record", m, got)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A full queue is where allocations would hurt most.
func TestDroppingAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := shard{buf: make([]byte, 0, 4096)}
	r := sampleHit()
	got := testing.AllocsPerRun(1000, func() { s.add(W3C, Strike, r) })
	if got != 0 || s.lost == 0 {
		t.Errorf("%v allocations a record, %d lost", got, s.lost)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, m := range []AddressMode{Strike, Pseudonym} {
		b.Run(m.String(), func(b *testing.B) {
			o := testOptions(b.TempDir())
			o.Address, o.QueueBytes, o.MaxSize = m, 64<<20, 1<<30
			w, err := NewWriter(o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r := sampleHit()
				for pb.Next() {
					w.Write(r)
				}
			})
			b.StopTimer()
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
			st := w.Stats()
			b.ReportMetric(100*float64(st.Dropped)/float64(st.Offered), "%dropped")
		})
	}
}

// logTo returns a logger and what it logged.
func logTo() (*slog.Logger, *lockedBuffer) {
	var b lockedBuffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
