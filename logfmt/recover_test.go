package logfmt

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRecovery(t *testing.T) {
	line := string(Append(nil, W3C, Strike, sampleHit()))
	header := string(AppendHeader(nil, W3C, "edged", arrival))
	object := string(Append(nil, JSON, Strike, sampleHit()))
	long := strings.Repeat(line, 200)
	for name, tc := range map[string]struct {
		before, after string
		torn          int64
	}{
		"whole":              {header + line, header + line, 0},
		"torn":               {header + line + line[:50], header + line, 1},
		"torn after many":    {header + long + line[:len(line)-1], header + long, 1},
		"torn by zeros":      {header + line + strings.Repeat("\x00", 40<<10), header + line, 1},
		"JSON":               {object + object[:9], object, 1},
		"only a header":      {header, "", 0},
		"half a header":      {header[:20], "", 1},
		"empty":              {"", "", 0},
		"torn first record":  {header + line[:9], "", 1},
		"no whole line":      {line[:len(line)-1], "", 1},
		"huge without lines": {strings.Repeat("x", 40<<10), "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t.TempDir())
			const stem = "access-edge-1-20990101T000000Z-1"
			path := filepath.Join(o.Dir, stem)
			if err := os.WriteFile(path+suffixPart, []byte(tc.before), 0o600); err != nil {
				t.Fatal(err)
			}
			w, err := NewWriter(o)
			if err != nil {
				t.Fatal(err)
			}
			st := w.Stats()
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			if st.TornLines != tc.torn || st.Errors != 0 {
				t.Errorf("%+v", st)
			}
			got, err := os.ReadFile(path + suffixClosed)
			if tc.after == "" {
				if names := fileNames(t, o.Dir); len(names) != 0 {
					t.Errorf("%q was left of a file without records", names)
				}
				return
			}
			text, last, _ := strings.Cut(string(got), trailerMark(string(got)))
			if err != nil || text != tc.after {
				t.Errorf("%v: %d bytes, want %d", err, len(text), len(tc.after))
			}
			if !strings.Contains(last, `"recovered":true`) || strings.Contains(last, "torn_bytes") != (tc.torn > 0) {
				t.Errorf("trailer is %s", last)
			}
		})
	}
}

// trailerMark returns how the trailer of text begins.
func trailerMark(text string) string {
	if strings.HasPrefix(text, "{") {
		return trailerJSON
	}
	return trailerW3C
}

// What a writer left without Close, as after kill -9, is whole to the last
// flush.
func TestRecoveryOfAKilledWriter(t *testing.T) {
	for _, f := range allFormats {
		for _, torn := range []string{"", "\xed", blockMagic, "2026-01-02 ", `{"v":2,"ti`} {
			t.Run(fmt.Sprintf("%v %q", f, torn), func(t *testing.T) { recoverKilled(t, f, torn) })
		}
	}
}

// recoverKilled recovers what was flushed, with something behind it.
func recoverKilled(t *testing.T, f Format, torn string) {
	o := testOptions(t.TempDir())
	o.Format = f
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		w.Write(sampleHit())
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	w.Write(sampleHit())
	left, err := os.ReadFile(filepath.Join(o.Dir, fileNames(t, o.Dir)[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	o.Dir = t.TempDir()
	touch(t, o.Dir, "access-edge-1-20990101T000000Z-1.log.zst.part")
	if err := os.WriteFile(filepath.Join(o.Dir, "access-edge-1-20990101T000000Z-1.log.part"), append(left, torn...), 0o600); err != nil {
		t.Fatal(err)
	}
	next, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	if st := next.Stats(); st.TornLines != int64(min(len(torn), 1)) {
		t.Errorf("%+v", st)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	if got := readDir(t, o.Dir); len(got) != 10 {
		t.Errorf("%d records, want 10", len(got))
	}
}

func TestWholeLines(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0, "a": 0, "\n": 1, "a\n": 2, "a\nb": 2, "a\nb\n": 4,
		strings.Repeat("x", 99999) + "\n" + strings.Repeat("y", 33333): 100000,
	} {
		got, err := wholeLines(bytes.NewReader([]byte(text)), int64(len(text)))
		if err != nil || got != want {
			t.Errorf("of %d bytes %d are whole lines, want %d; %v", len(text), got, want, err)
		}
	}
}
