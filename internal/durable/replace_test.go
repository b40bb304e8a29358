package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path+Suffix, []byte(strings.Repeat("left by a crash", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "a second, longer one", "", "short"} {
		if err := Mode(0o640).Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("the file holds %q, want %q: %v", got, text, err)
		}
		wantNoTemp(t, path)
	}
	if err := Mode(0o600).Replace(path+"2", nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "2"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// step fails where it is told to.
type step struct {
	File
	at   string
	done *[]string
}

func (s step) try(what string) error {
	*s.done = append(*s.done, what)
	if s.at == what {
		return fmt.Errorf("%s: %w", what, syscall.EIO)
	}
	return nil
}

func (s step) Truncate(n int64) error { return errors.Join(s.try("truncate"), s.File.Truncate(n)) }
func (s step) Sync() error            { return errors.Join(s.try("sync"), s.File.Sync()) }
func (s step) Close() error           { return errors.Join(s.try("close"), s.File.Close()) }

func (s step) WriteAt(b []byte, at int64) (int, error) {
	if err := s.try("write"); err != nil {
		n, _ := s.File.WriteAt(b[:len(b)/2], at)
		return n, err
	}
	return s.File.WriteAt(b, at)
}

// Whatever fails, the old content stays, whole, and nothing beside it.
func TestFaults(t *testing.T) {
	for _, at := range []string{"open", "truncate", "write", "sync", "close", ""} {
		path := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		var done []string
		open := Opener(func(path string) (File, error) {
			if at == "open" {
				return nil, syscall.EIO
			}
			f, err := Mode(0o600)(path)
			return step{f, at, &done}, err
		})
		err, want := open.Replace(path, []byte("new content")), "old"
		if at == "" {
			want = "new content"
		}
		if errors.Is(err, syscall.EIO) != (at != "") {
			t.Errorf("%q fails: %v", at, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("when %q fails the file holds %q, want %q: %v", at, got, want, err)
		}
		wantNoTemp(t, path)
		if at == "" && strings.Join(done, " ") != "truncate write sync close" {
			t.Errorf("the steps were %q", done)
		}
	}
}

// A name that cannot be given, and a directory that is not there.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Mode(0o600).Replace(taken, []byte("x")); err == nil || !strings.HasPrefix(err.Error(), "durable: ") {
		t.Errorf("in the place of a directory: %v", err)
	}
	wantNoTemp(t, taken)
	if err := Mode(0o600).Replace(filepath.Join(dir, "none", "x"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a directory that is not there: %v", err)
	}
	if err := SyncDir(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func wantNoTemp(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path + Suffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", path+Suffix, err)
	}
}
