package disk_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
)

// encrypted returns options of a keyed disk.
func encrypted(o disk.Options, key byte) disk.Options {
	o.Encryption, o.Key = disk.Keyed, bytes.Repeat([]byte{key}, disk.KeySize)
	return o
}

const (
	markedKey     object.Key = "marked-account\x00marked.example\x00/marked-path/film.mp4"
	markedHeader  string     = "marked-header-value"
	markedContent string     = "marked-content-"
)

// marked is a block of a body in which a pattern repeats.
type marked []byte

func (m marked) Bytes() []byte { return m }
func (m marked) Release()      {}

// storeMarked stores an object whose key, header and body can be searched for, and
// leaves behind every kind of file.
func storeMarked(t *testing.T, o disk.Options) {
	t.Helper()
	d, err := disk.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	body := marked(strings.Repeat(markedContent, 20_000))
	m := cachetest.Meta(markedKey, 7, int64(len(body)))
	m.Account = "marked-account"
	m.Header = append(m.Header, object.Field{Name: "X-Note", Value: markedHeader})
	if !d.Put(markedKey, m, 0, []disk.Body{body}) {
		t.Fatal("Put was refused")
	}
	if err := sync(t, d); err != nil {
		t.Fatal(err)
	}
	put(t, d, "marked-account/removed", 3, 500)
	d.Remove("marked-account/removed")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// findMarked returns the marks that can be read in the files of a directory.
func findMarked(t *testing.T, dir string) (found []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("files %q, %v: want superblock, lock, extent, snapshot, removals", files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range []string{"marked-account", "marked-path", "marked.example", markedHeader, markedContent, "X-Note"} {
			if bytes.Contains(b, []byte(mark)) {
				found = append(found, mark+" in "+filepath.Base(name))
			}
		}
	}
	return found
}

func TestNothingReadableOnDisk(t *testing.T) {
	ephemeral := options(nil, t.TempDir())
	ephemeral.Encryption = disk.Ephemeral
	for _, tt := range []struct {
		o    disk.Options
		want int
	}{
		{options(nil, t.TempDir()), 6}, // the test finds what there is to find
		{encrypted(options(nil, t.TempDir()), 1), 0},
		{ephemeral, 0},
	} {
		t.Run(tt.o.Encryption.String(), func(t *testing.T) {
			storeMarked(t, tt.o)
			if found := findMarked(t, tt.o.Path); len(found) != tt.want {
				t.Errorf("found %q, want %d", found, tt.want)
			}
		})
	}
}

func TestKeyedDiskSurvivesRestart(t *testing.T) {
	o := encrypted(options(nil, t.TempDir()), 1)
	d := open(t, o)
	put(t, d, "k", 1, 3*object.BlockSize+5)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, o)
	wantWhole(t, d, "k", 1, 3*object.BlockSize+5)
	if s := d.Stats(); !s.Recovery.Clean || s.Encryption != disk.Keyed || s.Space.Objects != 1 {
		t.Errorf("%+v", s)
	}
}

func TestEphemeralDiskStartsEmpty(t *testing.T) {
	o := options(nil, t.TempDir())
	o.Encryption = disk.Ephemeral
	d := open(t, o)
	put(t, d, "k", 1, 5000)
	wantWhole(t, d, "k", 1, 5000)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, o)
	wantMiss(t, d, "k")
	if s := d.Stats(); s.Space.Extents != 0 || s.Recovery.Lost != 0 {
		t.Errorf("after a start: %+v", s)
	}
}

// TestWrongKeyTouchesNothing opens a disk in every wrong way, and then in the
// right one.
func TestWrongKeyTouchesNothing(t *testing.T) {
	for _, made := range []func(disk.Options) disk.Options{
		func(o disk.Options) disk.Options { return o },
		func(o disk.Options) disk.Options { return encrypted(o, 1) },
	} {
		o := made(options(nil, t.TempDir()))
		storeMarked(t, o)
		before := contents(t, o.Path)
		for _, wrong := range []disk.Encryption{disk.Plain, disk.Keyed, disk.Ephemeral} {
			if wrong == disk.Plain && o.Encryption == disk.Plain {
				continue
			}
			w := encrypted(o, 2)
			w.Encryption = wrong
			if _, err := disk.Open(w); !errors.Is(err, disk.ErrKey) || !strings.Contains(err.Error(), "edgectl wipe") {
				t.Errorf("disk made with %v opened with %v: %v", o.Encryption, wrong, err)
			}
		}
		for name, b := range contents(t, o.Path) {
			if !bytes.Equal(b, before[name]) {
				t.Errorf("%v: %s changed", o.Encryption, name)
			}
			delete(before, name)
		}
		if len(before) > 0 {
			t.Errorf("%v: %d files are gone", o.Encryption, len(before))
		}
		if _, ok := open(t, o).Lookup(markedKey); !ok {
			t.Errorf("%v: not found with the right key", o.Encryption)
		}
	}
}

func TestBadKeyLength(t *testing.T) {
	o := options(nil, t.TempDir())
	o.Encryption, o.Key = disk.Keyed, []byte("short")
	if _, err := disk.Open(o); err == nil {
		t.Error("opened")
	}
	if files := contents(t, o.Path); len(files) != 0 {
		t.Errorf("made %d files", len(files))
	}
}

func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if all[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestDamagedEnvelopes damages the first page of each file of a crashed disk: what
// was removed must not come back, and nothing wrong be served.
func TestDamagedEnvelopes(t *testing.T) {
	for _, name := range []string{"extent-0000000001", "removals", "index-0000000000000001"} {
		t.Run(name, func(t *testing.T) {
			o := encrypted(options(nil, t.TempDir()), 1)
			d := open(t, o)
			put(t, d, "gone", 1, 5000)
			put(t, d, "k", 2, 5000)
			if err := d.SaveSnapshot(); err != nil {
				t.Fatal(err)
			}
			d.Remove("gone")
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(filepath.Join(o.Path, name), os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt(make([]byte, 4096), 0)
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
			d = open(t, o)
			wantMiss(t, d, "gone")
			if v, ok := look(t, d, "k"); ok && v.readable == 0 {
				t.Logf("k: %v", v.err) // found, not readable: a miss
			}
			put(t, d, "new", 3, 5000)
			wantWhole(t, d, "new", 3, 5000)
		})
	}
}

func TestParseEncryption(t *testing.T) {
	for _, e := range []disk.Encryption{disk.Plain, disk.Keyed, disk.Ephemeral} {
		if got, ok := disk.ParseEncryption(e.String()); !ok || got != e {
			t.Errorf("ParseEncryption(%q) = %v, %v", e, got, ok)
		}
	}
	if _, ok := disk.ParseEncryption("on"); ok {
		t.Error(`"on" was accepted`)
	}
}
