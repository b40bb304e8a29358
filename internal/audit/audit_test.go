package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"edged/internal/durable"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newLog(t *testing.T) *Log {
	t.Helper()
	l := New(filepath.Join(t.TempDir(), "audit.log"))
	l.now = func() time.Time { return noon }
	return l
}

// add appends an entry and returns its number.
func add(t *testing.T, l *Log, order string, o Outcome) uint64 {
	t.Helper()
	n, err := l.Append(&Entry{Order: order, Who: "unix uid 0 pid 1", Outcome: o, Account: "acme", Details: map[string]any{"number": 17}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// want holds which orders the file has, in their order, with numbers that grow by one.
func want(t *testing.T, l *Log, damaged int, orders ...string) {
	t.Helper()
	entries, bad, err := Read(l.path)
	if err != nil || bad != damaged {
		t.Errorf("%d damaged lines, want %d: %v", bad, damaged, err)
	}
	var got []string
	for i := range entries {
		got = append(got, entries[i].Order)
		if i > 0 && damaged == 0 && entries[i].Number != entries[i-1].Number+1 {
			t.Errorf("number %d follows %d", entries[i].Number, entries[i-1].Number)
		}
	}
	if strings.Join(got, " ") != strings.Join(orders, " ") {
		t.Errorf("the record has %q, want %q", got, orders)
	}
}

func TestAppendAndRead(t *testing.T) {
	l := newLog(t)
	want(t, l, 0)
	add(t, l, "purge", Done)
	if n := add(t, l, "erase", Refused); n != 2 {
		t.Errorf("the second entry is number %d", n)
	}
	add(t, New(l.path), "wipe", Failed) // another process
	want(t, l, 0, "purge", "erase", "wipe")
	entries, _, err := Read(l.path)
	if e := entries[0]; err != nil || !e.At.Equal(noon) || e.Who != "unix uid 0 pid 1" || e.Outcome != Done || e.Account != "acme" || fmt.Sprint(e.Details["number"]) != "17" {
		t.Errorf("read back: %+v, %v", e, err)
	}
	if info, err := os.Stat(l.path); err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestOutcomeOf(t *testing.T) {
	for status, want := range map[int]Outcome{200: Done, 202: Done, 400: Refused, 403: Refused, 422: Refused, 500: Failed, 501: Failed, 503: Failed} {
		if got := OutcomeOf(status); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
}

// A torn line was never acknowledged; damage costs its line, not the numbers.
func TestTornAndDamaged(t *testing.T) {
	l := newLog(t)
	add(t, l, "a", Done)
	add(t, l, "b", Done)
	change(t, l.path, func(text string) string {
		return text + `{"n":3,"order":"torn, and longer than any other line could be …………`
	})
	if n := add(t, l, "c", Done); n != 3 {
		t.Errorf("after a torn line comes number %d", n)
	}
	want(t, l, 0, "a", "b", "c")
	change(t, l.path, func(text string) string { return strings.Replace(text, `{"n":3`, `{"n"=3`, 1) })
	if n := add(t, l, "d", Done); n != 3 { // nobody knows of another 3
		t.Errorf("after a damaged line comes number %d", n)
	}
	want(t, l, 1, "a", "b", "d")
}

func change(t *testing.T, path string, f func(string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(f(string(text))), fileMode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestRetention(t *testing.T) {
	l := newLog(t)
	add(t, l, "old", Done)
	l.now = func() time.Time { return noon.Add(Retention / 2) }
	add(t, l, "young", Done)
	l.now = func() time.Time { return noon.Add(Retention + 25*time.Hour) }
	if n := add(t, l, "new", Done); n != 3 {
		t.Errorf("number %d", n)
	}
	want(t, l, 0, "young", "new")
	l.now = func() time.Time { return noon.Add(9 * Retention) }
	if n := add(t, l, "newest", Done); n != 4 {
		t.Errorf("after a long rest: number %d", n)
	}
	want(t, l, 0, "new", "newest")
}

// Refused orders cannot push others out, and the file has a bound.
func TestBound(t *testing.T) {
	l := newLog(t)
	l.max = 2000
	var last uint64
	for last == 0 || last < 100 {
		n := add(t, l, "refused", Refused)
		if n == 0 {
			break
		}
		last = n
	}
	if last < 3 || last == 100 {
		t.Fatalf("%d refused orders were taken", last)
	}
	for range 50 {
		last++
		if n := add(t, l, "done", Done); n != last {
			t.Fatalf("number %d, want %d", n, last)
		}
	}
	info, err := os.Stat(l.path)
	if err != nil || info.Size() > l.max+maxLine {
		t.Errorf("%d bytes: %v", info.Size(), err)
	}
	entries, _, err := Read(l.path)
	if err != nil || len(entries) < 3 || entries[len(entries)-1].Number != last {
		t.Errorf("%d entries are left, the last is %d, want %d: %v", len(entries), entries[len(entries)-1].Number, last, err)
	}
}

func TestLongDetails(t *testing.T) {
	l := newLog(t)
	if _, err := l.Append(&Entry{Order: "purge", Details: map[string]any{"x": strings.Repeat("y", maxLine)}}); err != nil {
		t.Error(err)
	}
	want(t, l, 0, "purge")
	if _, err := l.Append(&Entry{Order: strings.Repeat("y", maxLine)}); err == nil {
		t.Error("an entry without end was taken")
	}
	want(t, l, 0, "purge")
}

// faulty is a file on a disk that is full or broken.
type faulty struct {
	durable.File
	at string
}

func (f faulty) WriteAt(b []byte, at int64) (int, error) {
	if f.at == "write" {
		n, _ := f.File.WriteAt(b[:len(b)/2], at)
		return n, syscall.ENOSPC
	}
	return f.File.WriteAt(b, at)
}

func (f faulty) Sync() error {
	if f.at == "sync" {
		return syscall.ENOSPC
	}
	return f.File.Sync()
}

// An entry that is not on the disk is not acknowledged, and leaves nothing that others
// could stumble over.
func TestFaults(t *testing.T) {
	l := newLog(t)
	add(t, l, "a", Done)
	sound := l.open
	for _, at := range []string{"open", "write", "sync"} {
		l.open = func(path string) (durable.File, error) {
			if at == "open" {
				return nil, syscall.ENOSPC
			}
			f, err := sound(path)
			return faulty{f, at}, err
		}
		if _, err := l.Append(&Entry{Order: "lost"}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s fails: %v", at, err)
		}
		change(t, l.path, func(text string) string { return strings.SplitAfter(text, "\n")[0] }) // what was not synchronised
	}
	l.open = sound
	add(t, l, "b", Done)
	want(t, l, 0, "a", "b")
	if _, err := New(filepath.Join(t.TempDir(), "none", "x")).Append(&Entry{Order: "x"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
	if _, _, err := Read(t.TempDir()); err == nil {
		t.Error("a directory was read")
	}
}

func TestManyAtOnce(t *testing.T) {
	l := newLog(t)
	var all sync.WaitGroup
	for range 8 {
		mine := New(l.path) // as another process
		all.Go(func() {
			for range 20 {
				if _, err := mine.Append(&Entry{Order: "x", Outcome: Done}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	want(t, l, 0, strings.Fields(strings.Repeat("x ", 160))...)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"n":1,"at":"2026-03-02T12:00:00Z","order":"purge","who":"tcp","outcome":"done"}` + "\n"))
	f.Add([]byte("{}\n\n{\"n\":-1}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, damaged := parse(whole(text))
		if n := strings.Count(string(text), "\n"); len(entries)+damaged != n {
			t.Errorf("%d entries and %d damaged of %d lines", len(entries), damaged, n)
		}
		for i := range entries {
			if _, err := entries[i].line(); err != nil && len(text) < maxLine/8 {
				t.Errorf("an entry that was read cannot be written: %v", err)
			}
		}
	})
}
