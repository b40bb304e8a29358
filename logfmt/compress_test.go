package logfmt

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestCompression(t *testing.T) {
	inBubble(t, func(o *Options) { o.Compress = CompressZstd }, func(t *testing.T, w *Writer, _ *faultyFS) {
		for range 2 {
			writeMany(t, w, 500)
			if err := w.Rotate(); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
		}
		wantFiles(t, w, "access-edge-1-"+bubbleStart+"-1.log.zst", "access-edge-1-20000101T000001Z-501.log.zst")
		if st := w.Stats(); st.FileBytes*5 > st.Bytes {
			t.Errorf("%d bytes became %d", st.Bytes, st.FileBytes)
		}
	})
}

// Files that an earlier run closed are compressed too, and a twin that a crash
// left beside a compressed file is removed.
func TestCompressionOfLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t.TempDir())
		w, _ := startWriter(t, o)
		writeMany(t, w, 10)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(o.Dir, fileNames(t, o.Dir)[0])
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		o.Compress = CompressZstd
		for round := range 2 {
			w, _ = startWriter(t, o)
			synctest.Wait()
			if got := readDir(t, o.Dir); len(got) != 10 {
				t.Errorf("round %d: %d records", round, len(got))
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCompressionOnFullDisk(t *testing.T) {
	inBubble(t, func(o *Options) { o.Compress = CompressZstd }, func(t *testing.T, w *Writer, disk *faultyFS) {
		writeMany(t, w, 10)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		disk.fail(opWrite, syscall.ENOSPC)
		if err := w.Rotate(); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		wantFiles(t, w, "access-edge-1-"+bubbleStart+"-1.log")
		disk.fail(opWrite, nil)
		pass(tidyEvery)
		names := fileNames(t, w.opts.Dir)
		if len(names) != 1 || !strings.HasSuffix(names[0], suffixZstd) {
			t.Errorf("files are %q", names)
		}
	})
}

func TestOpenRefusesDamagedFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x"+suffixZstd)
	if err := os.WriteFile(name, []byte("not zstd at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(name)
	if err != nil {
		return // refused at once is as good
	}
	defer f.Close() //nolint:errcheck // opened for reading
	if err := NewReader(f).Read(&Record{}); err == nil {
		t.Error("a damaged file was read")
	}
}
