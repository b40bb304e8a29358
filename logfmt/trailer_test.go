package logfmt

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// writeClosed writes n records into one closed file of dir and returns its name.
func writeClosed(t *testing.T, o Options, n int) string {
	t.Helper()
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	writeSome(w, n)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	names := fileNames(t, o.Dir)
	if len(names) != 1 {
		t.Fatalf("files are %q", names)
	}
	return filepath.Join(o.Dir, names[0])
}

func writeSome(w *Writer, n int) {
	for range n {
		w.Write(sampleHit())
	}
}

func TestTrailerAndManifest(t *testing.T) {
	for _, f := range allFormats {
		o := testOptions(t.TempDir())
		o.Format = f
		name := writeClosed(t, o, 10)
		c, err := VerifyFile(name)
		if err != nil || len(c.Problems) > 0 {
			t.Fatalf("%v: %v, %q", f, err, c.Problems)
		}
		if s := c.Stated; s == nil || s.Records != 10 || s.First != 1 || s.Last != 10 || s.Run == 0 || s.Recovered {
			t.Errorf("%v: trailer %+v", f, s)
		}
		m, err := ReadManifest(name)
		if err != nil {
			t.Fatal(err)
		}
		if m.Content != *c.Stated || m.Format != f.String() || m.Node != "edge-1" || m.Address != "strike" || m.Schema != Version {
			t.Errorf("%v: manifest %+v, trailer %+v", f, m, c.Stated)
		}
		if m.File != m.Plain || m.File.Name != filepath.Base(name) {
			t.Errorf("%v: file %+v, plain %+v", f, m.File, m.Plain)
		}
	}
}

func TestManifestOfCompressedFile(t *testing.T) {
	for _, c := range []Compression{CompressZstd, CompressGzip} {
		inBubble(t, func(o *Options) { o.Compress = c }, func(t *testing.T, w *Writer, _ *faultyFS) {
			writeMany(t, w, 100)
			if err := w.Rotate(); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			wantFiles(t, w, "access-edge-1-"+bubbleStart+"-1"+c.suffix())
			name := filepath.Join(w.opts.Dir, fileNames(t, w.opts.Dir)[0])
			m, err := ReadManifest(name)
			if err != nil {
				t.Fatal(err)
			}
			if m.File.Name != filepath.Base(name) || m.File.Bytes >= m.Plain.Bytes || m.Content.Records != 100 {
				t.Errorf("manifest %+v", m)
			}
			n := 0
			for r, err := range Records(name) {
				if n++; err != nil || r.Sequence.Number != int64(n) {
					t.Errorf("record %d: %v", n, err)
				}
			}
			if n != 100 {
				t.Errorf("%d records", n)
			}
		})
	}
}

// Whatever is done to a closed file, verifying it finds that.
func TestVerifyFindsChanges(t *testing.T) {
	o := testOptions(t.TempDir())
	name := writeClosed(t, o, 5)
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	join := func(parts ...[][]byte) []byte { return bytes.Join(concat(parts), nil) }
	for what, text := range map[string][]byte{
		"line removed":     join(lines[:7], lines[8:]),
		"last removed":     join(lines[:9], lines[10:]),
		"line doubled":     join(lines[:7], lines[6:]),
		"lines exchanged":  join(lines[:6], lines[7:8], lines[6:7], lines[8:]),
		"byte changed":     bytes.Replace(good, []byte(" 206 100 "), []byte(" 206 101 "), 1),
		"header changed":   bytes.Replace(good, []byte("edged"), []byte("edgee"), 1),
		"no trailer":       join(lines[:10]),
		"cut":              good[:len(good)-400],
		"trailer changed":  bytes.Replace(good, []byte(`"records":5`), []byte(`"records":4`), 1),
		"something behind": append(bytes.Clone(good), "x"...),
		"empty":            nil,
	} {
		if bytes.Equal(text, good) {
			t.Fatalf("%s changes nothing", what)
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := VerifyFile(name)
		if err != nil || len(c.Problems) == 0 {
			t.Errorf("%s: %v, %+v", what, err, c)
		}
	}
}

// The same for blocks.
func TestVerifyFindsChangedBlocks(t *testing.T) {
	o := testOptions(t.TempDir())
	o.Format, o.QueueBytes = Binary, minQueue // one queue
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // blocks of two records, or of one where the flusher came in between
		writeSome(w, 2)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(o.Dir, fileNames(t, o.Dir)[0])
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var blocks [][]byte
	for rest := good; len(rest) > 0; {
		var block []byte
		block, rest = cutBlock(rest)
		blocks = append(blocks, block)
	}
	if len(blocks) < 6 {
		t.Fatalf("%d blocks", len(blocks))
	}
	join := func(parts ...[][]byte) []byte { return bytes.Join(concat(parts), nil) }
	flip := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	for what, file := range map[string][]byte{
		"block removed":    join(blocks[:2], blocks[3:]),
		"last removed":     join(blocks[:4], blocks[5:]),
		"block doubled":    join(blocks[:2], blocks[1:]),
		"blocks exchanged": join(blocks[:1], blocks[2:3], blocks[1:2], blocks[3:]),
		"bit of a body":    flip(len(blocks[0]) + blockHead + 20),
		"bit of a head":    flip(len(blocks[0]) + headRun),
		"bit of the end":   flip(len(good) - 9),
		"no trailer":       join(blocks[:len(blocks)-1]),
		"cut":              good[:len(good)-1],
		"something behind": append(bytes.Clone(good), 'x'),
		"text behind":      Append(bytes.Clone(good), JSON, Strike, sampleHit()),
	} {
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := VerifyFile(name)
		if err != nil || len(c.Problems) == 0 {
			t.Errorf("%s: %v, %+v", what, err, c)
		}
	}
}

func concat(parts [][][]byte) (all [][]byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func TestVerifyWithoutManifest(t *testing.T) {
	name := writeClosed(t, testOptions(t.TempDir()), 3)
	if err := os.Remove(stemOf(name) + suffixManifest); err != nil {
		t.Fatal(err)
	}
	if c, err := VerifyFile(name); err != nil || len(c.Problems) > 0 {
		t.Errorf("%v, %+v", err, c)
	}
	if _, err := ReadManifest(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the manifest that is not there: %v", err)
	}
}

// A disk that is full at the end leaves a file without trailer. Its manifest comes
// when there is room.
func TestNoRoomForTrailer(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *Writer, disk *faultyFS) {
		writeMany(t, w, 3)
		pass(flushEvery)
		disk.fail(opWrite, syscall.ENOSPC)
		if err := w.Rotate(); err != nil {
			t.Error(err)
		}
		pass(time.Second)
		if names := allNames(t, w.opts.Dir); len(names) != 1 || isPart(names[0]) {
			t.Errorf("files are %q", names)
		}
		disk.fail(opWrite, nil)
		pass(tidyEvery)
		name := filepath.Join(w.opts.Dir, fileNames(t, w.opts.Dir)[0])
		m, err := ReadManifest(name)
		if err != nil || m.Content.Records != 3 || m.Content.SHA256 != m.File.SHA256 {
			t.Errorf("%v, %+v", err, m)
		}
	})
}

// What a killed run may have lost is said: as many records as the fullest second had.
func TestKilledRunSaysWhatItLost(t *testing.T) {
	o := testOptions(t.TempDir())
	text := AppendHeader(nil, W3C, "edged", arrival)
	for i := range 12 {
		r := sampleHit()
		r.Time = arrival.Add(time.Duration(i*i) * 100 * time.Millisecond).UnixNano() // ever fewer a second
		r.Sequence = Sequence{Run: 1, Number: int64(i) + 1}
		text = Append(text, W3C, Strike, r)
	}
	name := filepath.Join(o.Dir, "access-edge-1-20990101T000000Z-1.log")
	if err := os.WriteFile(name+".part", text, 0o600); err != nil {
		t.Fatal(err)
	}
	log, told := logTo()
	o.Log = log
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	if st := w.Stats(); st.MaybeLost != 3 {
		t.Errorf("%+v", st)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	c, err := VerifyFile(name)
	if err != nil || len(c.Problems) > 0 || c.Stated == nil || !c.Stated.Recovered || c.Stated.MaybeLost != 3 || c.Stated.Records != 12 {
		t.Errorf("%v, %+v", err, c)
	}
	if !strings.Contains(told.String(), "maybe_lost=3") {
		t.Errorf("the operator reads %s", told)
	}
}

// A file whose trailer was written but whose name was not changed keeps it.
func TestRecoveryKeepsTrailer(t *testing.T) {
	o := testOptions(t.TempDir())
	name := writeClosed(t, o, 3)
	if err := errors.Join(os.Rename(name, name+".part"), os.Remove(stemOf(name)+suffixManifest)); err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	c, err := VerifyFile(name)
	if err != nil || len(c.Problems) > 0 || c.Stated.Recovered {
		t.Errorf("%v, %+v", err, c)
	}
	if m, err := ReadManifest(name); err != nil || m.File.SHA256 == "" {
		t.Errorf("%v, %+v", err, m)
	}
}

func TestRecordsOfFileBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t.TempDir())
		w, _ := startWriter(t, o)
		writeMany(t, w, 7)
		pass(flushEvery)
		n := 0
		for _, err := range Records(filepath.Join(o.Dir, fileNames(t, o.Dir)[0])) {
			if n++; err != nil {
				t.Error(err)
			}
		}
		if n != 7 {
			t.Errorf("%d records", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestRecordsGoOnAfterBadLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.log")
	line := Append(nil, JSON, Strike, sampleHit())
	if err := os.WriteFile(name, bytes.Join([][]byte{line, []byte("{}\n"), line}, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	var good, bad int
	for _, err := range Records(name) {
		if err != nil {
			bad++
		} else {
			good++
		}
	}
	if good != 2 || bad != 1 {
		t.Errorf("%d records, %d errors", good, bad)
	}
	for _, err := range Records(name + ".none") {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a missing file: %v", err)
		}
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"manifest":0}`, `{"manifest":2}`, `{"manifest":"1"}`} {
		if m, err := ParseManifest([]byte(text)); err == nil {
			t.Errorf("%q was read as %+v", text, m)
		}
	}
}

func TestTrailerHasItsRoom(t *testing.T) {
	const most = 1<<63 - 1
	long := Trailer{
		most, most, most, most, most, most, strings.Repeat("f", 64), true, most, most, most, most,
		&Anonymity{K: most, Kept: most, Widened: most, Removed: most},
	}
	for _, f := range allFormats {
		line := long.append(nil, f)
		if len(line) > trailerRoom {
			t.Errorf("%v: %d bytes", f, len(line))
		}
		in := NewReader(bytes.NewReader(line))
		if err := in.Read(new(Record)); err != io.EOF {
			t.Errorf("%v: %v", f, err)
		}
		got := in.Trailer()
		if got == nil || *got.Anonymity != *long.Anonymity || got.SHA256 != long.SHA256 {
			t.Errorf("%v: %s reads back as %+v", f, line, got)
		}
		if f == JSON && !json.Valid(line) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

// No record reads as a trailer, whatever is in it.
func FuzzTrailer(f *testing.F) {
	f.Add([]byte(`#Trailer: {"records":1}`), "x")
	f.Add([]byte(`{"v":2,"trailer":{"run":1}}`), `#Trailer: {}`)
	f.Fuzz(func(t *testing.T, line []byte, text string) {
		parseTrailer(line) // must not panic
		r := Record{Node: text, Method: line, Path: []byte(text), Error: string(line)}
		for _, format := range allFormats {
			record := Append(nil, format, Strike, &r)
			if parseTrailer(record[:len(record)-1]) != nil {
				t.Fatalf("a record reads as a trailer: %s", record)
			}
		}
	})
}
