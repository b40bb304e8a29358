package purge

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"hash/crc32"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the dump in FORMAT.md")

// sampleLog has two purges: one of a prefix, one of two rules.
func sampleLog() []byte {
	prefix, key := Prefix(keyOf("acme", "vod", "/films/")), SurrogateKey("acme", "film-a")
	key.Soft = true
	b := AppendBatch(AppendHead(nil), 1000, 0x1122334455667788, []Rule{prefix})
	return AppendBatch(b, 1001, 0, []Rule{Everything(), key})
}

// TestFormat ties the dump in FORMAT.md to the code.
func TestFormat(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(doc), "<!-- log -->\n")
	_, tail, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatal("FORMAT.md has no place for the dump")
	}
	want := head + "<!-- log -->\n```\n" + hex.Dump(sampleLog()) + "```\n<!-- end -->" + tail
	if *update {
		if err := os.WriteFile("FORMAT.md", []byte(want), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
		return
	}
	if want != string(doc) {
		t.Error("the dump in FORMAT.md is not what the code writes: a new layout needs a new version; go test -run Format -update")
	}
}

func TestParse(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 1; return b }
	}
	tests := []struct {
		name    string
		change  func(b []byte) []byte
		entries int
		damaged bool
		last    uint64
	}{
		{"as written", func(b []byte) []byte { return b }, 3, false, 1001},
		{"empty", func([]byte) []byte { return nil }, 0, false, 0},
		{"head alone", func(b []byte) []byte { return b[:64] }, 0, false, 0},
		{"torn head", func(b []byte) []byte { return b[:20] }, 0, true, 0},
		{"damaged head", flip(9), 3, true, 1001},
		{"torn entry at the end", func(b []byte) []byte { return b[:len(b)-1] }, 2, false, 1001},
		{"damaged entry at the end", flip(200), 2, false, 1001},
		{"first of the last batch damaged", flip(130), 2, false, 1001},
		{"last batch zeroed", func(b []byte) []byte { clear(b[128:]); return b }, 1, false, 1000},
		{"damage before what came later", flip(70), 2, true, 1001},
		{"damage, and a torn end", func(b []byte) []byte { b[70]++; b[len(b)-1]++; return b }, 1, true, 1001},
		{"zeroes behind", func(b []byte) []byte { return append(b, make([]byte, 200)...) }, 3, false, 1001},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse(tt.change(sampleLog()))
			if err != nil {
				t.Fatal(err)
			}
			if len(l.entries) != tt.entries || l.Damaged != tt.damaged || l.Last != tt.last {
				t.Errorf("got %d entries, damaged %v, last %d; want %d, %v, %d", len(l.entries), l.Damaged, l.Last, tt.entries, tt.damaged, tt.last)
			}
		})
	}
}

func TestParseRefusesOtherVersions(t *testing.T) {
	b := sampleLog()
	le.PutUint16(b[4:], logVersion+1)
	head := b[:EntrySize-4]
	le.PutUint32(b[EntrySize-4:], crc32.Checksum(head, castagnoli))
	if _, err := Parse(b); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v, want ErrFormat", err)
	}
}

// TestRestoreUnites holds that two disks which missed different purges know all of
// them together, in any order.
func TestRestoreUnites(t *testing.T) {
	a, err := Parse(AppendBatch(AppendHead(nil), 10, 0, []Rule{Account("a")}))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse(AppendBatch(AppendHead(nil), 11, 0, []Rule{Account("b")}))
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range [][]*Log{{a, b}, {b, a}, {a, b, a}} {
		table := NewTable(Options{Seq: 3})
		for _, l := range order {
			table.Restore(l)
		}
		for account, n := range map[string]uint64{"a": 10, "b": 11} {
			if table.Judge(account+"\x00s\x00/", "", n-1, 0) != Hard || table.Judge(account+"\x00s\x00/", "", n, 0) != Live {
				t.Errorf("account %s is not purged at %d", account, n)
			}
		}
		if next := table.Next(); next <= 12 {
			t.Errorf("next number %d, want more than 12", next)
		}
	}
}

// FuzzParse holds that what is read of any log, written again, says the same.
func FuzzParse(f *testing.F) {
	f.Add(sampleLog())
	f.Add(sampleLog()[:150])
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0}, 200))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := Parse(b)
		if err != nil {
			return
		}
		table := NewTable(Options{MaxRules: 8})
		table.Restore(l)
		again, err := Parse(table.AppendLog(nil))
		if err != nil || again.Damaged {
			t.Fatalf("own log: damaged %v, %v", again.Damaged, err)
		}
		restored := NewTable(Options{MaxRules: 8})
		restored.Restore(again)
		for _, key := range []string{"acme\x00vod\x00/films/a", "b\x00s\x00/"} {
			for _, seq := range []uint64{0, 999, 1000, 1001, l.Last} {
				got, want := restored.Judge(key, "film-a", seq, 0), table.Judge(key, "film-a", seq, 0)
				if got != want {
					t.Errorf("Judge(%q, %d) = %v, before the restart %v", key, seq, got, want)
				}
			}
		}
	})
}
