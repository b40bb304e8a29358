package disk

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"edged/cache/object"
)

var update = flag.Bool("update", false, "write the dumps in FORMAT.md")

// samples returns one of each structure, with telling numbers in every field.
func samples(t testing.TB) map[string][]byte {
	uuid := UUID([]byte("0123456789abcdef"))
	super := superblock{uuid: uuid, seed: 0x1122334455667788, created: 1_700_000_000_000_000_000}
	ext := extentHeader{number: 7, generation: 0xa1a2a3a4a5a6a7a8, uuid: uuid, size: 256 << 20, created: 1_700_000_000_000_000_000}
	rec, ref := sampleRecord(7, ext.generation, 1)
	foot := footer{number: 7, generation: ext.generation, end: 3, refs: []recordRef{ref}}
	removals := newHead(magicRemovals)
	copy(removals[8:24], uuid[:])
	removals = removal{hash: ref.hash, pos: at(7, 9)}.appendTo(sealHead(removals))
	locked, sealed := sampleSealed(t, uuid, rec)
	return map[string][]byte{
		"locked":        locked,
		"envelope":      sealed[:envelopeSize],
		"sealed record": sealed[envelopeSize:][:160],
		"superblock":    super.encode(),
		"extent header": ext.encode(),
		"record":        rec,
		"footer":        foot.encode(),
		"snapshot":      sampleSnapshot(t, uuid, ref),
		"removals":      removals,
		"state":         sampleState(uuid),
	}
}

func sampleState(uuid UUID) []byte {
	s := lifeState{
		uuid: uuid, saved: 1_700_000_000_000_000_000, left: 800 << 30, scrubbed: 1_699_000_000_000_000_000,
		cursor: 6, backoff: 8 * time.Second, health: ReadOnly,
	}
	return s.encode()
}

// sampleRecord returns a small record as it is on the disk.
func sampleRecord(extent uint32, generation uint64, page uint32) ([]byte, recordRef) {
	h := recordHeader{
		generation: generation, id: object.ID{Hi: 0xb1b2b3b4b5b6b7b8, Lo: 0xc1c2c3c4c5c6c7c8},
		version: 0xd1d2d3d4d5d6d7d8, seq: 42, stripe: 0, stripes: 1, page: page, blocks: 1,
	}
	body := []byte("the body")
	b := appendPrologue(nil, &h, "acme\x00site\x00/a.mp4", []byte("metadata"), [][]byte{body})
	b = append(b, body...)
	return append(b, make([]byte, h.length()-len(b))...), h.ref(extent)
}

// sampleSealed returns the superblock of an encrypted disk and a file of it that
// holds b, under the key 00 01 … 1f and the salts a0 … b7 and c0 … d7.
func sampleSealed(t testing.TB, uuid UUID, b []byte) (super, file []byte) {
	key, salts := make([]byte, KeySize), [2][saltSize]byte{}
	for i := range key {
		key[i] = byte(i)
	}
	for i := range saltSize {
		salts[0][i], salts[1][i] = 0xa0+byte(i), 0xc0+byte(i)
	}
	ring, err := newKeyring(key, uuid)
	if err != nil {
		t.Fatal(err)
	}
	s := superblock{uuid: uuid, created: 1_700_000_000_000_000_000}
	s.lock(Keyed, ring)
	first, err := ring.epoch(0, salts[0])
	second, err2 := ring.epoch(96, salts[1])
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	file = append(encodeEnvelope([]epoch{first, second}), b...)
	first.xor(file[envelopeSize:][:96], 0)
	second.xor(file[envelopeSize+96:], 96)
	return s.encode(), file
}

func sampleSnapshot(t testing.TB, uuid UUID, ref recordRef) []byte {
	x, err := newIndex(16)
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	x.apply(&ref, 1)
	h := snapshotHeader{uuid: uuid, sequence: 3, asOf: at(7, 2), lastSeq: 42, clean: true}
	f := &memoryFile{}
	if err := h.writeTo(f, []extentRef{{7, 0xa1a2a3a4a5a6a7a8}}, x); err != nil {
		t.Fatal(err)
	}
	return f.b
}

// memoryFile is a File that only grows.
type memoryFile struct {
	File
	b []byte
}

func (f *memoryFile) WriteVec(bufs [][]byte, off int64) (int, error) {
	b := bytes.Join(bufs, nil)
	f.b = append(f.b[:off], b...)
	return len(b), nil
}

func (f *memoryFile) Sync() error { return nil }

func TestFormat(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc)
	for name, b := range samples(t) {
		before, rest, ok := strings.Cut(text, "<!-- "+name+" -->\n")
		old, after, ok2 := strings.Cut(rest, "<!-- end -->")
		if !ok || !ok2 {
			t.Fatalf("FORMAT.md has no place for %q", name)
		}
		dump := "```\n" + squeeze(hex.Dump(b)) + "```\n"
		if old != dump && !*update {
			t.Errorf("%s is not what FORMAT.md shows. A change of layout needs a new FormatVersion.\ngot:\n%swant:\n%s", name, dump, old)
		}
		text = before + "<!-- " + name + " -->\n" + dump + "<!-- end -->" + after
	}
	if *update {
		if err := os.WriteFile("FORMAT.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// squeeze replaces lines of zeroes by one asterisk, as hexdump does.
func squeeze(dump string) string {
	const zeroes = "  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n"
	var out strings.Builder
	skipping := false
	lines := strings.SplitAfter(dump, "\n")
	for i, line := range lines {
		zero := strings.HasSuffix(line, zeroes)
		last := i+2 >= len(lines)
		switch {
		case !zero || last:
			out.WriteString(line)
		case !skipping:
			out.WriteString("*\n")
		}
		skipping = zero
	}
	return out.String()
}

func TestFormatRoundTrip(t *testing.T) {
	b := samples(t)
	if s, err := parseSuperblock(b["superblock"]); err != nil || !bytes.Equal(s.encode(), b["superblock"]) {
		t.Errorf("superblock: %+v, %v", s, err)
	}
	if h, err := parseExtentHeader(b["extent header"]); err != nil || !bytes.Equal(h.encode(), b["extent header"]) {
		t.Errorf("extent header: %+v, %v", h, err)
	}
	h, err := parseRecordHeader(b["record"])
	if err != nil || !bytes.Equal(h.appendTo(nil), b["record"][:recordHeaderSize]) {
		t.Errorf("record header: %+v, %v", h, err)
	}
	rec, err := h.parseTail(7, b["record"][recordHeaderSize:recordHeaderSize+h.tailLen()])
	if err != nil || string(rec.key) != "acme\x00site\x00/a.mp4" || string(rec.meta) != "metadata" {
		t.Fatalf("record: %+v, %v", rec, err)
	}
	if err := rec.verify([]byte("the body"), 0); err != nil {
		t.Errorf("body: %v", err)
	}
	if err := rec.verify([]byte("the bodY"), 0); err == nil {
		t.Error("a wrong body was accepted")
	}
	if s, err := parseState(b["state"]); err != nil || !bytes.Equal(s.encode(), b["state"]) {
		t.Errorf("state: %+v, %v", s, err)
	}
	list, bad := parseRemovals(b["removals"])
	if len(list) != 1 || bad != 0 || list[0].pos != at(7, 9) {
		t.Errorf("removals: %v, %d bad", list, bad)
	}
}

func TestSuperblockOfNewerFormat(t *testing.T) {
	b := samples(t)["superblock"]
	le.PutUint16(b[4:], FormatVersion+1)
	le.PutUint32(b[headSize-4:], checksum(b[:headSize-4]))
	_, err := parseSuperblock(b)
	if want := fmt.Sprint("format ", FormatVersion+1); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
		t.Errorf("err = %v, want ErrFormat that names %s", err, want)
	}
}

// An older format is given up: a cache can be filled again.
func TestSuperblockOfOlderFormat(t *testing.T) {
	b := samples(t)["superblock"]
	le.PutUint16(b[4:], FormatVersion-1)
	le.PutUint32(b[headSize-4:], checksum(b[:headSize-4]))
	if _, err := parseSuperblock(b); !errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFormat) {
		t.Errorf("err = %v, want ErrCorrupt", err)
	}
}

// TestRecordGeometry checks that blocks are found where they were put, for every
// set of blocks.
func TestRecordGeometry(t *testing.T) {
	for blocks := range 256 {
		for _, lastLen := range []uint32{1, object.BlockSize} {
			h := recordHeader{blocks: uint8(blocks), keyLen: 10, metaLen: 20}
			want := 0
			for i := range 8 {
				if blocks&(1<<i) == 0 {
					continue
				}
				if want > 0 {
					h.bodyLen = uint32(want) * object.BlockSize
				}
				want++
			}
			if want > 0 {
				h.bodyLen = uint32(want-1)*object.BlockSize + lastLen
			}
			checkGeometry(t, &h)
		}
	}
}

func checkGeometry(t *testing.T, h *recordHeader) {
	t.Helper()
	next := 0
	for i := range 9 {
		off, n, ok := h.blockAt(i)
		if present := i < 8 && h.blocks&(1<<i) != 0; ok != present {
			t.Fatalf("bitmap %08b: block %d: ok = %v", h.blocks, i, ok)
		}
		if ok && (off != next || n < 1) {
			t.Fatalf("bitmap %08b: block %d at %d, want %d, length %d", h.blocks, i, off, next, n)
		}
		next += n
	}
	if next != int(h.bodyLen) || !h.sane() || h.length()%pageSize != 0 {
		t.Fatalf("bitmap %08b: blocks end at %d of %d, record has %d bytes", h.blocks, next, h.bodyLen, h.length())
	}
}

func FuzzRecord(f *testing.F) {
	rec, _ := sampleRecord(7, 1, 1)
	f.Add(rec)
	f.Add(rec[:recordHeaderSize])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		// Fuzzers do not find checksums: try the bytes with a good one, too.
		if len(b) >= recordHeaderSize {
			b = bytes.Clone(b)
			le.PutUint32(b[0:], magicRecord)
			le.PutUint16(b[4:], FormatVersion)
			le.PutUint32(b[92:], checksum(b[:92]))
		}
		h, err := parseRecordHeader(b)
		if err != nil {
			return
		}
		if h.length() > maxRecord || h.length() < pageSize || h.bodyOff()+int(h.bodyLen) > h.length() {
			t.Fatalf("accepted a header out of bounds: %+v", h)
		}
		checkGeometry(t, &h)
		if end := recordHeaderSize + h.tailLen(); end <= len(b) {
			h.tailCRC = checksum(b[recordHeaderSize:end])
			if rec, err := h.parseTail(1, b[recordHeaderSize:end]); err != nil || len(rec.table) != 4*pieces(int(h.bodyLen)) {
				t.Fatalf("tail: %v", err)
			}
		}
	})
}

func FuzzFooter(f *testing.F) {
	f.Add(samples(f)["footer"])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headSize {
			return
		}
		b = bytes.Clone(b)
		last := b[len(b)-headSize:]
		le.PutUint32(last[0:], magicFooter)
		le.PutUint16(last[4:], FormatVersion)
		sealHead(last)
		tr, err := parseTrailer(last, int64(len(b))+3*pageSize)
		if err != nil || tr.tableLen() > len(b) {
			return
		}
		tr.tableCRC = checksum(b[:tr.tableLen()])
		refs, err := tr.parseTable(b[:tr.tableLen()])
		for _, r := range refs {
			if r.stripe >= maxStripes || r.page+uint32(r.pages) > tr.end {
				t.Fatalf("accepted an entry out of bounds: %+v, %v", r, err)
			}
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	uuid := UUID([]byte("0123456789abcdef"))
	_, ref := sampleRecord(7, 1, 1)
	f.Add(sampleSnapshot(f, uuid, ref))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		if len(b) >= headSize {
			le.PutUint32(b[0:], magicSnapshot)
			le.PutUint16(b[4:], FormatVersion)
			copy(b[8:24], uuid[:])
			sealHead(b[:headSize])
		}
		n := 0
		_, err := readSnapshot(bytes.NewReader(b), uuid, func([]extentRef) {}, func(chunk []byte) []byte {
			for s := range slotsOf(chunk) {
				if n++; !s.sane() {
					t.Fatalf("accepted slot %+v", s)
				}
			}
			return chunk
		})
		if n*slotSize > len(b) {
			t.Fatalf("%d slots out of %d bytes, %v", n, len(b), err)
		}
	})
}

func FuzzRemovals(f *testing.F) {
	f.Add(samples(f)["removals"])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, bad := parseRemovals(b)
		if n := max(0, len(b)-headSize) / removalSize; len(list) > n || len(list)+bad > n+2 {
			t.Fatalf("%d entries and %d bad ones out of %d bytes", len(list), bad, len(b))
		}
		for _, r := range list {
			if got, ok := parseRemoval(r.appendTo(nil)); !ok || got != r {
				t.Fatalf("%+v does not survive", r)
			}
		}
	})
}

func FuzzNames(f *testing.F) {
	f.Add("extent-0000000001")
	f.Add("index-0000000000000001")
	f.Add("index-+00000000000001f")
	f.Fuzz(func(t *testing.T, name string) {
		if n, ok := extentNumber(name); ok && extentName(n) != name {
			t.Errorf("extent %d out of %q", n, name)
		}
		if n, ok := snapshotSequence(name); ok && snapshotName(n) != name {
			t.Errorf("snapshot %d out of %q", n, name)
		}
	})
}
