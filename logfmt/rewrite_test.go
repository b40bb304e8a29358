package logfmt

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func strikeAll(*Record) Change { return StrikeClient }

// plainFile is the text of a file with records of some clients.
func plainFile(f Format, clients ...string) []byte {
	text, e := AppendHeader(nil, f, "edged", arrival), NewEncoder(f, Full)
	for i, c := range clients {
		r := sampleHit()
		r.Client, _ = netip.ParseAddr(c)
		r.Sequence = Sequence{Run: 1, Number: int64(i + 1)}
		text = e.Append(text, r)
	}
	return e.End(text)
}

// asText returns a file, or the records of a binary one as lines.
func asText(t *testing.T, file []byte) string {
	t.Helper()
	if !isBlock(file) {
		return string(file)
	}
	var text []byte
	for l, err := range Lines(bytes.NewReader(file)) {
		if err != nil {
			t.Fatal(err)
		}
		text = Append(text, W3C, Full, l.Record)
	}
	return string(text)
}

func TestStrikeKeepsEverythingElse(t *testing.T) {
	for _, f := range allFormats {
		before := plainFile(f, "123.123.123.123", "2001:db8:1:2::3", "::ffff:9.8.7.6", "", "10.0.0.7")
		want := asText(t, before)
		for _, r := range [][2]string{
			{"123.123.123.123", "123.123.123.000"},
			{"2001:db8:1:2::3", "2001:db8:1::"},
			{"9.8.7.6", "9.8.7.000"},
			{"10.0.0.7", "10.0.0.000"},
		} {
			want = strings.Replace(want, r[0], r[1], 1)
		}
		var after, again bytes.Buffer
		did, err := Rewrite(&after, bytes.NewReader(before), strikeAll)
		if err != nil || did.Changed != 4 || did.Records != 5 || did.Damaged+did.Removed != 0 {
			t.Fatalf("%v: %+v, %v", f, did, err)
		}
		if got := asText(t, after.Bytes()); got != want {
			t.Errorf("%v: got\n%s\nwant\n%s", f, got, want)
		}
		did, err = Rewrite(&again, bytes.NewReader(after.Bytes()), strikeAll)
		if err != nil || !did.Same() || again.String() != after.String() {
			t.Errorf("%v: struck again: %+v, %v\n%s", f, did, err, &again)
		}
	}
}

// Files of other tools, with other columns, spaces and ends of lines.
func TestStrikeForeignFiles(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{
			"columns", "#Fields: x-other c-ip date time sc-bytes\nx 123.123.123.123 2026-01-02 03:04:05 7\n",
			"#Fields: x-other c-ip date time sc-bytes\nx 123.123.123.000 2026-01-02 03:04:05 7\n",
		},
		{
			"last column", "#Fields: date time sc-bytes c-ip\r\n2026-01-02 03:04:05 7 123.123.123.123\r\n",
			"#Fields: date time sc-bytes c-ip\r\n2026-01-02 03:04:05 7 123.123.123.000\r\n",
		},
		{
			"no such column", "#Fields: date time sc-bytes\n2026-01-02 03:04:05 7\n",
			"#Fields: date time sc-bytes\n2026-01-02 03:04:05 7\n",
		},
		{
			"json", "{ \"client\" : \"123.123.123.123\" , \"path\":\"/123.123.123.123\", \"own\":1, \"v\":2 }\n\n",
			"{ \"client\" : \"123.123.123.000\" , \"path\":\"/123.123.123.123\", \"own\":1, \"v\":2 }\n\n",
		},
		{"json escaped", `{"v":2,"client":"123.123.123.12\u0033"}` + "\n", `{"v":2,"client":"123.123.123.000"}` + "\n"},
		{"pseudonym", `{"v":2,"client":"p0123456789abcdef"}` + "\n", `{"v":2,"client":"p0123456789abcdef"}` + "\n"},
		{"damaged lines may hold anything", "{\"v\":2,\"client\":\"123.123.123.123\"\n{\"v\":2}\n{\"v\":2", "{\"v\":2}\n"},
	} {
		var out bytes.Buffer
		if _, err := Rewrite(&out, strings.NewReader(c.in), strikeAll); err != nil || out.String() != c.want {
			t.Errorf("%s: %v, got\n%q, want\n%q", c.name, err, out.String(), c.want)
		}
	}
}

// A line that is too long is left out, whatever its pieces look like.
func TestRewriteLeavesLongLinesOut(t *testing.T) {
	long := strings.Repeat("x", maxLine) + "#123.123.123.123\n"
	var out bytes.Buffer
	did, err := Rewrite(&out, strings.NewReader(long+"{\"v\":2}\n"), strikeAll)
	if err != nil || out.String() != "{\"v\":2}\n" || did.Damaged != 1 {
		t.Errorf("%+v, %v, %.100q", did, err, out.String())
	}
}

// addresses of a line, wherever it has them, are gone when it was struck, and nothing
// else changes: what was struck reads back the same.
func FuzzStrike(f *testing.F) {
	f.Add(plainFile(W3C, "123.123.123.123", "2001:db8::1"))
	f.Add(plainFile(JSON, "123.123.123.123", "2002:0102:0304::1"))
	f.Add(plainFile(Binary, "123.123.123.123", "2002:0102:0304::1", "9.8.7.0", "2001:db8:1::"))
	f.Add([]byte(`{"v":2,"client":"123.123.123.12\u0033"}` + "\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var once, twice bytes.Buffer
		did, err := Rewrite(&once, bytes.NewReader(file), strikeAll)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Rewrite(&twice, bytes.NewReader(once.Bytes()), strikeAll)
		if err != nil || again.Records != did.Records || again.Damaged != 0 || !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatalf("once %+v, twice %+v, %v\n%q\n%q", did, again, err, once.Bytes(), twice.Bytes())
		}
		in := NewReader(bytes.NewReader(once.Bytes()))
		var r Record
		for in.Read(&r) == nil {
			var plain, struck []byte
			plain, struck = appendAddress(plain, Full, &Record{Client: r.Client}), AppendStruck(struck, r.Client)
			if r.Client.IsValid() && string(plain) != strings.TrimSuffix(string(struck), "00") {
				t.Fatalf("%s is left", plain)
			}
		}
	})
}

// closedSet makes a directory with some closed files of one run.
func closedSet(t *testing.T, o Options, files, each int) (dir string, names []string) {
	t.Helper()
	o.Address = Full
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range files * each {
		r := sampleHit()
		if i%3 == 0 {
			r.Account = "bolt"
		}
		w.Write(r)
		if i%each == each-1 {
			if err := w.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	names, err = FilesOf([]string{o.Dir})
	if err != nil || len(names) != files {
		t.Fatalf("files are %q, %v", names, err)
	}
	return o.Dir, names
}

func wantSet(t *testing.T, dir string, records, erased int64, problems ...string) {
	t.Helper()
	s, err := VerifySet([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if s.Records != records || s.Erased != erased {
		t.Errorf("%d records and %d erased, want %d and %d", s.Records, s.Erased, records, erased)
	}
	if len(s.Problems) != len(problems) {
		t.Errorf("problems are %q, want %q", s.Problems, problems)
		return
	}
	for i, p := range s.Problems {
		if !strings.Contains(p.File+" "+p.Text, problems[i]) {
			t.Errorf("problem %q, want %q in it", p, problems[i])
		}
	}
}

func TestRewriteFile(t *testing.T) {
	for _, c := range []Compression{CompressNone, CompressZstd, CompressGzip} {
		for _, f := range allFormats {
			t.Run(c.String()+" "+f.String(), func(t *testing.T) { rewriteFiles(t, c, f) })
		}
	}
}

func rewriteFiles(t *testing.T, c Compression, f Format) {
	o := testOptions(t.TempDir())
	o.Compress, o.Format = c, f
	dir, names := closedSet(t, o, 3, 9)
	wantSet(t, dir, 27, 0)
	for _, name := range names {
		did, err := RewriteFile(name, Strike, strikeAll)
		if err != nil || did.Changed != 9 {
			t.Fatalf("%s: %+v, %v", name, did, err)
		}
		if m, err := ReadManifest(name); err != nil || m.Address != "strike" || m.File.Name != filepath.Base(name) {
			t.Errorf("manifest %+v, %v", m, err)
		}
		if did, err = RewriteFile(name, Strike, strikeAll); err != nil || !did.Same() {
			t.Errorf("again: %+v, %v", did, err)
		}
	}
	wantSet(t, dir, 27, 0)
	for range 2 { // the second time nothing is left
		for _, name := range names {
			if _, err := RewriteFile(name, Inherit, func(r *Record) Change {
				if r.Account == "bolt" {
					return Erase
				}
				return Keep
			}); err != nil {
				t.Fatal(err)
			}
		}
		wantSet(t, dir, 18, 9)
	}
	for _, name := range names {
		in, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err = errors.Join(err, in.Close()); err != nil || bytes.Contains(text, []byte("bolt")) || bytes.Contains(text, []byte("123.123.123.123")) {
			t.Errorf("%s (%v) holds what was taken out:\n%s", name, err, text)
		}
	}
	leftOver, err := filepath.Glob(filepath.Join(dir, "*.part"))
	if err != nil || len(leftOver) > 0 {
		t.Errorf("left over: %q, %v", leftOver, err)
	}
}

func TestRewriteFileRefuses(t *testing.T) {
	dir, names := closedSet(t, testOptions(t.TempDir()), 1, 3)
	held, err := os.Open(names[0])
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := RewriteFile(names[0], Strike, strikeAll); !errors.Is(err, ErrOpen) {
		t.Errorf("a file in use: %v", err)
	}
	if _, err := RewriteFile(filepath.Join(dir, "a.log.part"), Strike, strikeAll); !errors.Is(err, ErrOpen) {
		t.Errorf("a file that is being written: %v", err)
	}
	if _, err := RewriteFile(filepath.Join(dir, "none.log"), Strike, strikeAll); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestVerifySet(t *testing.T) {
	for _, c := range []struct {
		name     string
		records  int64
		spoil    func(t *testing.T, names []string)
		problems []string
	}{
		{"whole", 50, func(*testing.T, []string) {}, nil},
		{"a file is gone", 40, func(t *testing.T, names []string) { remove(t, names[2]) }, []string{
			"is missing: 10 records", "records 21 to 30",
		}},
		{"a file and its manifest are gone", 40, func(t *testing.T, names []string) {
			remove(t, names[2])
			remove(t, stemOf(names[2])+suffixManifest)
		}, []string{"records 21 to 30"}},
		{"a line is gone", 49, func(t *testing.T, names []string) {
			change(t, names[1], func(text []byte) []byte {
				lines := bytes.SplitAfter(text, []byte("\n"))
				return bytes.Join(append(lines[:8:8], lines[9:]...), nil)
			})
		}, []string{"1 records are missing at 1 places", "9 records, the trailer says 10", "not the one that the trailer", "not the one that its manifest", "9 records, the manifest"}},
		{"a byte is another", 50, func(t *testing.T, names []string) {
			change(t, names[1], func(text []byte) []byte { return bytes.Replace(text, []byte("GET"), []byte("PUT"), 1) })
		}, []string{"not the one that the trailer", "not the one that its manifest"}},
		{"a file is there twice", 60, func(t *testing.T, names []string) {
			text, err := os.ReadFile(names[1])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(strings.Replace(names[1], "-11.log", "-12.log", 1), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"has records 11 to 20, which are in"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, names := closedSet(t, testOptions(t.TempDir()), 5, 10)
			c.spoil(t, names)
			wantSet(t, dir, c.records, 0, c.problems...)
		})
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func change(t *testing.T, name string, f func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, f(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A line in another format tells the same, and a struck address stays one.
func TestLineInAnotherFormat(t *testing.T) {
	for _, m := range []AddressMode{Strike, Pseudonym, Full, None} {
		r := sampleHit()
		r.Pseudonym = 7
		w3c, js := Append(AppendHeader(nil, W3C, "edged", arrival), W3C, m, r), Append(nil, JSON, m, r)
		want := map[Format][]byte{W3C: w3c[bytes.LastIndexByte(w3c[:len(w3c)-1], '\n')+1:], JSON: js}
		for _, from := range [][]byte{w3c, js} {
			n := 0
			for l, err := range Lines(bytes.NewReader(from)) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				for f, line := range want {
					if got := Append(nil, f, Full, l.Record); !bytes.Equal(got, line) {
						t.Errorf("%v as %v:\n%s, want\n%s", m, f, got, line)
					}
				}
			}
			if n != 1 {
				t.Errorf("%v: %d lines", m, n)
			}
		}
	}
}
