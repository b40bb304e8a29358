package usage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"edged/internal/edgetest"

	"edged/internal/durable"
)

func TestMain(m *testing.M) { edgetest.Main(m) }

// noon is the time of most tests, in hour 491,484.
var noon = time.Date(2026, 1, 25, 12, 30, 0, 0, time.UTC)

// bench is a ledger whose source, clock and disk a test holds in its hands. Nothing
// happens by itself.
type bench struct {
	t       *testing.T
	dir     string
	now     time.Time
	offered []Row
	broken  atomic.Int32 // how many operations on files succeed until all fail; 0: all succeed
	ledger  *Ledger
	counted Table // what was ever handed over
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), now: noon, counted: Table{}}
	b.open()
	t.Cleanup(b.crash)
	return b
}

func (b *bench) options() Options {
	return Options{Dir: b.dir, Source: b.take, Every: time.Hour, Now: func() time.Time { return b.now }, open: b.openFile}
}

func (b *bench) open() {
	b.t.Helper()
	b.ledger = New(b.options())
	if s := b.ledger.Stats(); s.Failing != "" {
		b.t.Fatal(s.Failing)
	}
}

// crash lets go of the files without writing anything, as a killed process does.
func (b *bench) crash() {
	l := b.ledger
	l.stop()
	l.done.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		if l.journal != nil {
			_, _ = l.journal.Close(), l.lock.Close()
		}
	}
}

func (b *bench) take() []Row {
	rows := b.offered
	b.offered = nil
	return rows
}

func (b *bench) count(rows ...Row) {
	b.offered = append(b.offered, rows...)
	b.counted.Add(rows...)
}

// row makes a row of n requests, hours after noon.
func row(hours int64, account string, n uint64) Row {
	return Row{Key{HourOf(noon.UnixNano()) + hours, account, account + ".example", "HTTP/1.1", 2}, Counts{n, n - 1, n * 100, n * 130, n * 90, n * 10, 0}}
}

// want holds that ledger and directory say what was counted.
func (b *bench) want(want Table) {
	b.t.Helper()
	r, err := b.ledger.Report(&Query{By: Split{Hour, true, true, true}})
	if err != nil {
		b.t.Fatal(err)
	}
	q := Query{By: Split{Hour, true, true, true}}
	if diff := cmp.Diff(NewReport(&q, want), r); diff != "" {
		b.t.Errorf("the ledger says (-want +got):\n%s", diff)
	}
}

var errBroken = fmt.Errorf("write: %w", syscall.ENOSPC)

func (b *bench) fails() bool {
	n := b.broken.Load()
	if n > 1 {
		b.broken.Add(-1)
	}
	return n == 1
}

func (b *bench) openFile(path string) (durable.File, error) {
	if b.fails() {
		return nil, errBroken
	}
	f, err := durable.Mode(fileMode)(path)
	return &faultyFile{f, b}, err
}

// faultyFile writes half of what it is given when it fails.
type faultyFile struct {
	durable.File
	b *bench
}

func (f *faultyFile) WriteAt(p []byte, at int64) (int, error) {
	if f.b.fails() {
		n, _ := f.File.WriteAt(p[:len(p)/2], at)
		return n, errBroken
	}
	return f.File.WriteAt(p, at)
}

func (f *faultyFile) Truncate(n int64) error {
	if f.b.fails() {
		return errBroken
	}
	return f.File.Truncate(n)
}

// Sync leaves it to the kernel: no test cuts the power.
func (f *faultyFile) Sync() error {
	if f.b.fails() {
		return errBroken
	}
	return nil
}

func TestLedgerKeepsWhatItWasGiven(t *testing.T) {
	b := newBench(t)
	b.count(row(0, "acme", 5), row(0, "bolt", 7), row(-1, "acme", 1))
	b.want(b.counted)
	b.count(row(0, "acme", 2))
	b.want(b.counted)
	if err := b.ledger.Close(); err != nil {
		t.Fatal(err)
	}
	b.open()
	b.want(b.counted)
	if s := b.ledger.Stats(); s.Oldest != "2026-01" || s.Bytes == 0 || s.Damaged != 0 || s.Pending != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestLedgerSurvivesAKill(t *testing.T) {
	b := newBench(t)
	b.count(row(0, "acme", 5))
	if err := b.ledger.Flush(); err != nil {
		t.Fatal(err)
	}
	before := Table{}
	before.Add(b.counted.Rows()...)
	b.count(row(0, "acme", 100)) // after the last flush: lost
	b.crash()
	b.offered = nil
	b.open()
	b.want(before)
}

// A disk that is full for a while costs nothing as long as the process lives.
func TestLedgerSurvivesAFullDisk(t *testing.T) {
	b := newBench(t)
	b.count(row(0, "acme", 5))
	if err := b.ledger.Flush(); err != nil {
		t.Fatal(err)
	}
	for n := range int32(3) {
		b.broken.Store(n + 1) // fails at once, at the write, at the sync
		b.count(row(0, "acme", 1), row(1, "bolt", 1))
		if err := b.ledger.Flush(); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Flush on a full disk: %v", err)
		}
		if s := b.ledger.Stats(); s.Pending != 2 || s.Failing == "" {
			t.Errorf("stats on a full disk: %+v", s)
		}
		b.want(b.counted) // what is in memory only counts, too
	}
	b.broken.Store(0)
	b.want(b.counted)
	if s := b.ledger.Stats(); s.Pending != 0 || s.Failing != "" || s.Failures == 0 {
		t.Errorf("stats afterwards: %+v", s)
	}
	b.crash()
	b.open()
	b.want(b.counted)
}

// Whatever happens, in any order, each row counts once: flushes, folds, kills, disks
// that fail at any operation, months that turn.
func TestLedgerModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { model(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func model(t *testing.T, rng *rand.Rand) {
	b := newBench(t)
	for range 120 {
		switch rng.IntN(8) {
		case 0, 1, 2:
			b.count(row(rng.Int64N(400), fmt.Sprint("a", rng.IntN(3)), rng.Uint64N(50)+1))
		case 3:
			b.broken.Store(rng.Int32N(12))
			_ = b.ledger.Flush()
		case 4:
			b.broken.Store(0)
			if err := b.ledger.Flush(); err != nil {
				t.Fatal(err)
			}
		case 5:
			b.ledger.mu.Lock()
			_ = b.ledger.foldLocked()
			b.ledger.mu.Unlock()
		case 6:
			b.now = b.now.Add(time.Duration(rng.IntN(100)) * time.Minute)
		case 7:
			restart(t, b, rng)
		}
	}
	b.broken.Store(0)
	b.want(b.counted)
}

// restart kills the process when everything is in files, or closes it in order, which
// may fail.
func restart(t *testing.T, b *bench, rng *rand.Rand) {
	b.broken.Store(0)
	if err := b.ledger.Flush(); err != nil {
		t.Fatal(err)
	}
	if rng.IntN(2) == 0 {
		b.ledger.mu.Lock()
		b.broken.Store(rng.Int32N(12))
		_ = b.ledger.foldLocked()
		b.ledger.mu.Unlock()
	}
	b.crash()
	b.broken.Store(0)
	b.open()
}

func TestLedgerFlushesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, dir: t.TempDir(), counted: Table{}}
		o := b.options()
		o.Every, o.Now = 0, nil
		var left atomic.Int64
		left.Store(3)
		o.Source = func() []Row {
			if left.Add(-1) < 0 {
				return nil
			}
			return []Row{row(0, "acme", 1)}
		}
		l := New(o)
		time.Sleep(10 * time.Second)
		if s := l.Stats(); s.Flushes != 3 {
			t.Errorf("%d flushes in ten seconds with something new three times", s.Flushes)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestLedgerIsLocked(t *testing.T) {
	b := newBench(t)
	if _, err := ReadDir(b.dir, &Query{}); !errors.Is(err, ErrInUse) {
		t.Errorf("ReadDir of an open ledger: %v", err)
	}
	if _, err := ReadDir(t.TempDir(), &Query{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadDir of nothing: %v", err)
	}
}

// A ledger that cannot be opened, for whatever reason, waits until it can.
func TestLedgerWaitsForItsDirectory(t *testing.T) {
	b := newBench(t)
	b.count(row(0, "acme", 5))
	if err := b.ledger.Flush(); err != nil {
		t.Fatal(err)
	}
	first := b.ledger
	o := b.options()
	second := New(o)
	b.count(row(0, "acme", 1))
	if err := second.Flush(); !errors.Is(err, ErrInUse) {
		t.Errorf("Flush while another one has the directory: %v", err)
	}
	if s := second.Stats(); s.Pending != 1 || s.Failing == "" {
		t.Errorf("stats of a ledger that waits: %+v", s)
	}
	b.crash()
	b.ledger = second
	b.want(b.counted)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o.Dir = file
	third := New(o)
	if s := third.Stats(); s.Failing == "" {
		t.Error("a file in the place of the directory is not told")
	}
	if err := third.Close(); err == nil {
		t.Error("Close of a ledger that could never write")
	}
}

func TestReadDir(t *testing.T) {
	b := newBench(t)
	b.count(row(0, "acme", 5), row(24*10, "acme", 6))
	if err := b.ledger.Flush(); err != nil {
		t.Fatal(err)
	}
	b.ledger.mu.Lock()
	err := b.ledger.foldLocked()
	b.ledger.mu.Unlock()
	b.count(row(0, "acme", 7))
	if err = errors.Join(err, b.ledger.Flush()); err != nil {
		t.Fatal(err)
	}
	b.crash() // months and a journal
	for _, lock := range []bool{true, false} {
		if !lock { // a copy
			if err := os.Remove(filepath.Join(b.dir, lockName)); err != nil {
				t.Fatal(err)
			}
		}
		r, err := ReadDir(b.dir, &Query{})
		if err != nil || len(r.Lines) != 1 || r.Lines[0].Requests != 18 {
			t.Errorf("ReadDir (with lock: %v): %+v, %v", lock, r, err)
		}
	}
}

func TestLedgerRetention(t *testing.T) {
	b := newBench(t)
	b.count(row(0, "acme", 1), row(-24*24, "acme", 10), row(-24*40, "acme", 100), row(-24*90, "acme", 1000))
	b.want(b.counted)
	if err := b.ledger.Close(); err != nil {
		t.Fatal(err)
	}
	o := b.options()
	o.Retention = 30 * 24 * time.Hour
	b.ledger = New(o)
	kept := Table{}
	kept.Add(row(0, "acme", 1), row(-24*24, "acme", 10))
	b.want(kept)
	b.now = b.now.Add(28 * 24 * time.Hour)
	kept = Table{}
	kept.Add(row(0, "acme", 1))
	b.want(kept)
	list, err := months(b.dir)
	if err != nil || len(list) != 1 {
		t.Errorf("files of months left: %v, %v", list, err)
	}
}

func TestErase(t *testing.T) {
	b := newBench(t)
	b.count(row(0, "acme", 1), row(0, "bolt", 2), row(-24*40, "acme", 3), row(-24*70, "acme", 4))
	b.want(b.counted)
	b.count(row(0, "acme", 5))
	n, err := b.ledger.Erase("acme")
	if err != nil || n != 3 {
		t.Errorf("Erase removed %d rows, %v", n, err)
	}
	left := Table{}
	left.Add(row(0, "bolt", 2))
	b.want(left)
	b.count(row(0, "acme", 6))
	left.Add(row(0, "acme", 6))
	b.want(left)
	if err := b.ledger.Close(); err != nil {
		t.Fatal(err)
	}
	b.open()
	b.want(left)
	if _, err := b.ledger.Erase("acme"); err != nil {
		t.Fatal(err)
	}
	b.crash()
	if err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("acme")) {
			t.Errorf("%s still holds the account", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A month that was folded many times is summed up when it is over.
func TestLastMonthIsSummedUp(t *testing.T) {
	b := newBench(t)
	for range 5 {
		b.count(row(0, "acme", 1))
		if err := b.ledger.Close(); err != nil { // folds
			t.Fatal(err)
		}
		b.open()
	}
	before, err := os.Stat(monthPath(b.dir, "2026-01"))
	if err != nil {
		t.Fatal(err)
	}
	b.now = noon.AddDate(0, 0, 10)
	b.want(b.counted)
	after, err := os.Stat(monthPath(b.dir, "2026-01"))
	if err != nil || after.Size() >= before.Size() {
		t.Errorf("%d bytes before, %d after, %v", before.Size(), after.Size(), err)
	}
}

func TestDamageIsReported(t *testing.T) {
	b := newBench(t)
	for i := range 3 {
		b.count(row(int64(i), "acme", 1))
		if err := b.ledger.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	b.crash()
	path := filepath.Join(b.dir, journalName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(fileMagic)+frameHead] ^= 0xff
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b.open()
	if s := b.ledger.Stats(); s.Damaged == 0 {
		t.Error("damage is not reported")
	}
	left := Table{}
	left.Add(row(1, "acme", 1), row(2, "acme", 1))
	b.want(left)
}
