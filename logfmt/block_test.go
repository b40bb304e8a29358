package logfmt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// randomRecord returns a record out of few words, as traffic has them, now and then odd.
func randomRecord(rnd *rand.Rand) *Record {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	number := func() int64 {
		switch rnd.IntN(12) {
		case 0:
			return rnd.Int64()
		case 1:
			return -rnd.Int64()
		case 2:
			return 0
		}
		return rnd.Int64N(1 << (1 + rnd.IntN(30)))
	}
	r := &Record{
		Time: arrival.UnixNano() + rnd.Int64N(1e12), Node: pick("edge-1", "edge-1", "edge-1", "edge-2"),
		Account: pick("acme", "acme", "bolt", ""), Site: pick("acme-vod", "acme-live", "x y\n", strings.Repeat("site.", 40)),
		Method: []byte(pick("GET", "GET", "HEAD", "")), Host: []byte(pick("acme.example.net", "bolt.example.net", "a", strings.Repeat("long.", 50))),
		Path: []byte(pick("/a/1.ts", "/a/720p/2.ts", "/\xff+%00", "")), Status: []int{200, 206, 404, 0, -1, 1 << 40}[rnd.IntN(6)],
		Error: pick("", "", "origin_timeout"), Duration: time.Duration(number()), FirstByte: time.Duration(number()),
		BytesSent: number(), WireBytes: number(), Aborted: rnd.IntN(9) == 0,
		Cache:  Cache{Hit: rnd.IntN(2) == 0, Forward: pick("", "stale"), Stored: rnd.IntN(2) == 0, HasTTL: rnd.IntN(2) == 0},
		Source: Source{Tier: pick("ram", "disk", "origin")},
		Token:  Token{Scheme: pick("", "ect"), Verdict: pick("", "allowed"), Key: pick("", "acme-26a")},
		Request: Request{
			Protocol: pick("HTTP/1.1", "HTTP/2"), TLS: pick("", "TLSv1.2", "TLSv1.3"), Agent: Agent(rnd.IntN(int(numAgents) + 2)),
			Class: pick("segment", "manifest"), Referrer: []byte(pick("", "p.example")),
			Trace: []byte(pick("", "0af7651916cd43dd", "0AF7651916CD43DD", "0123456789abcdeg", "t-1")),
		},
	}
	if r.Cache.HasTTL {
		r.Cache.TTL = number()
	}
	switch rnd.IntN(5) {
	case 0:
		r.Source.RAM = r.BytesSent
	case 1:
		r.Source.Disk = r.BytesSent
	case 2:
		r.Source.Origin = r.BytesSent
	case 3:
		r.Source.RAM, r.Source.Disk, r.Source.Origin = number(), number(), number()
	}
	if rnd.IntN(3) == 0 {
		r.Request.RangeStart = number()
		r.Request.RangeEnd = number()
		r.Request.Query = []byte("lang=de")
		r.Request.UserAgent = []byte("Agent/1.0 (a b)")
		r.Token.Session = rnd.Uint64()
		r.Pseudonym = rnd.Uint64()
		r.Request.CMCD = everyCMCD(rnd.Int64N(1 << 40))
	}
	r.Client, _ = netip.ParseAddr(pick("", "123.123.123.123", "10.0.0.0", "2001:db8:1:2::3", "2001:db8:1::", "::ffff:9.8.7.6", "2002:102:304::1", "fe80::1%eth0"))
	r.Address = []AddressMode{Inherit, Inherit, Inherit, Strike, None}[rnd.IntN(5)]
	return r
}

// numberAll gives records places, most of them one behind the other.
func numberAll(rnd *rand.Rand, records []*Record) {
	place := Sequence{Run: 7}
	for _, r := range records {
		place.Dropped = 0
		if rnd.IntN(8) == 0 {
			place.Dropped = rnd.Int64N(1000)
		}
		place.Number += 1 + place.Dropped
		if rnd.IntN(20) == 0 {
			place.Number += rnd.Int64N(50) // some were erased
		}
		if rnd.IntN(50) == 0 {
			place = Sequence{Run: place.Run + 1, Number: 1}
		}
		r.Sequence = place
	}
}

// A record says the same in each format: what blocks hold reads back as what the text
// formats write at once, whatever is in it.
func TestBlocksTellWhatTextTells(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		records := make([]*Record, 200)
		for i := range records {
			records[i] = randomRecord(rnd)
		}
		numberAll(rnd, records)
		for _, m := range []AddressMode{Strike, Pseudonym, Full, None} {
			e := NewEncoder(Binary, m)
			var file []byte
			for _, r := range records {
				file = e.Append(file, r)
			}
			got := readAll(t, bytes.NewReader(e.End(file)))
			if len(got) != len(records) {
				t.Fatalf("seed %d, %v: %d records of %d", seed, m, len(got), len(records))
			}
			for i := range got {
				for _, f := range []Format{W3C, JSON} {
					if got, want := Append(nil, f, Full, &got[i]), Append(nil, f, m, records[i]); !bytes.Equal(got, want) {
						t.Fatalf("seed %d, %v, record %d:\n got %s\nwant %s", seed, m, i, got, want)
					}
				}
			}
		}
	}
}

// Text that becomes blocks and text again is the same, byte for byte.
func TestTextThroughBlocks(t *testing.T) {
	for _, f := range []Format{W3C, JSON} {
		rnd := rand.New(rand.NewPCG(5, 6))
		text := AppendHeader(nil, f, "edged", arrival)
		header := len(text)
		for i := range 3000 {
			r := randomRecord(rnd)
			r.Duration, r.FirstByte = wholeMicros(int64(r.Duration)), wholeMicros(int64(r.FirstByte))
			r.Sequence = Sequence{Run: 1, Number: int64(i) + 1}
			text = Append(text, f, []AddressMode{Full, Strike, None}[rnd.IntN(3)], r)
		}
		e := NewEncoder(Binary, Full)
		var blocks []byte
		for l, err := range Lines(bytes.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			blocks = e.Append(blocks, l.Record)
		}
		var again []byte
		blocks = e.End(blocks)
		for l, err := range Lines(bytes.NewReader(blocks)) {
			if err != nil {
				t.Fatal(err)
			}
			again = Append(again, f, Full, l.Record)
		}
		if !bytes.Equal(again, text[header:]) {
			t.Errorf("%v: %d bytes became %d and then %d others", f, len(text)-header, len(blocks), len(again))
		}
	}
}

// Two records share an entry of a part exactly when the entry would be the same.
func TestEntriesAreShared(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		a, b := randomRecord(rnd), randomRecord(rnd)
		a.Host, b.Host = a.Host[:min(len(a.Host), 100)], b.Host[:min(len(b.Host), 100)]
		a.Site, b.Site = a.Site[:min(len(a.Site), 100)], b.Site[:min(len(b.Site), 100)]
		b.Request.Agent = a.Request.Agent // these are in the key
		a.Status, b.Status = 200, 200
		for of := partOwner; of < partBlock; of++ {
			ea, eb := appendEntry(nil, of, 0, a), appendEntry(nil, of, 0, b)
			kept := slot{words: wordsOf(of, a)}
			if got := kept.matches(ea, of, b); got != bytes.Equal(ea, eb) {
				t.Fatalf("%v: %q for %q: %v", of, ea, eb, got)
			}
		}
	}
}

// Every field of the table is in blocks, each in a place of its own.
func TestBlocksHoldEveryField(t *testing.T) {
	for _, f := range Fields() {
		if f.part >= numParts {
			t.Errorf("%s is in no part", f.JSON)
		}
		if (f.part == partPath) != (f.Kind == KindRendition) {
			t.Errorf("%s: a %v cannot be in the %v", f.JSON, f.Kind, f.part)
		}
		if f.Kind == KindFlag && f.part != partKind || f.part < partBlock && f.part != partRecord && f.Kind != KindText && f.Kind != KindAgent && f.Kind != KindFlag && f.Kind != KindStatus {
			t.Errorf("%s: a %v cannot be in the %v", f.JSON, f.Kind, f.part)
		}
	}
	got := Record{}
	if err := Parse(Binary, Append(nil, Binary, Full, sampleHit()), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sampleHit(), &got, sameRecord); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// FORMAT.md shows a block byte by byte, each piece with what it is.
func TestFormatDocumentShowsABlock(t *testing.T) {
	r := &Record{
		Time: arrival.UnixNano(), Node: "n", Method: []byte("GET"), Path: []byte("/a"), Status: 200,
		BytesSent: 5, WireBytes: 300, Duration: 9 * time.Microsecond, Source: Source{Tier: "ram", RAM: 5},
		Cache: Cache{Hit: true}, Sequence: Sequence{Run: 1772600767000, Number: 42},
	}
	block := Append(nil, Binary, Strike, r)
	var b strings.Builder
	b.WriteString("```\n")
	at := 0
	for _, piece := range []struct {
		size int
		what string
	}{
		{4, "magic number"},
		{4, "version 1, records"},
		{4, "40 bytes of body"},
		{4, "1 record"},
		{8, "run 1772600767000"},
		{8, "seq 42"},
		{8, "0 dropped"},
		{8, "2026-03-04 05:06:07.089"},
		{4, "sum of the body"},
		{4, "sum of the head"},
		{2, "node: n"},
		{1, "a new owner:"},
		{6, "no account, site, host, token scheme, token key, referrer"},
		{1, "a new viewer:"},
		{3, "no protocol, TLS, agent"},
		{1, "a new kind:"},
		{4, "GET"},
		{1, "no fwd"},
		{4, "tier: ram"},
		{3, "no class, verdict, error"},
		{2, "status 200"},
		{2, "layout: a hit, all bytes from RAM"},
		{1, "0 ms after the time of the head"},
		{3, "path: /a"},
		{1, "5 bytes"},
		{2, "295 bytes more on the wire"},
		{1, "first byte: missing"},
		{1, "9 µs longer"},
	} {
		if at+piece.size > len(block) {
			t.Fatalf("a block of %d bytes ends in %q", len(block), piece.what)
		}
		fmt.Fprintf(&b, "%-24x%s\n", block[at:at+piece.size], piece.what)
		at += piece.size
	}
	if b.WriteString("```\n"); at != len(block) {
		t.Errorf("%d bytes of %d are explained", at, len(block))
	}
	generated(t, "block: made by go test -update", "block", b.String())
}

// blocksOf returns blocks of one record each, numbered from 1.
func blocksOf(n int) (blocks [][]byte) {
	for i := range n {
		r := sampleHit()
		r.Sequence = Sequence{Run: 1, Number: int64(i) + 1}
		blocks = append(blocks, Append(nil, Binary, Strike, r))
	}
	return blocks
}

// resum makes the sums of a block right again after a change.
func resum(block []byte) []byte {
	info, _ := parseHead(block) // wrong sums leave it empty, which is well for most
	if info.length == 0 {
		place := Sequence{Run: 1, Number: 2}
		stampBlock(block, &place)
		return block
	}
	stampBlock(block, &info.place)
	return block
}

// What is wrong with one block is an error, and the next one is read, as long as heads
// are good.
func TestReaderGoesOnAfterBadBlocks(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(block []byte) []byte
		want  error
		after bool // the next block is read
	}{
		"a byte of the body":    {func(b []byte) []byte { b[blockHead+3]++; return b }, ErrSyntax, true},
		"a byte of the head":    {func(b []byte) []byte { b[headRun]++; return b }, ErrSyntax, false},
		"length":                {func(b []byte) []byte { b[headLength]--; return b }, ErrSyntax, false},
		"length of a gigabyte":  {func(b []byte) []byte { b[headLength+3] = 0x40; return resum(b) }, ErrSyntax, false},
		"later version":         {func(b []byte) []byte { b[headVersion]++; return resum(b) }, ErrVersion, true},
		"unknown kind":          {func(b []byte) []byte { b[headKind] = 'X'; return resum(b) }, ErrSyntax, true},
		"bad trailer":           {func(b []byte) []byte { b[headKind] = blockOfTrailer; return resum(b) }, ErrSyntax, true},
		"no records":            {func(b []byte) []byte { b[headRecords] = 0; return resum(b) }, ErrSyntax, true},
		"a record is too few":   {func(b []byte) []byte { b[headRecords]++; return resum(b) }, nil, true},
		"node without end":      {func(b []byte) []byte { b[blockHead] = 0xff; return resum(b) }, ErrSyntax, true},
		"entry that is not yet": {func(b []byte) []byte { b[blockHead+len("_edge-ams-01")] = 1; return resum(b) }, ErrSyntax, true},
	} {
		blocks := blocksOf(3)
		blocks[1] = c.spoil(blocks[1])
		in := NewReader(bytes.NewReader(bytes.Join(blocks, nil)))
		var rec Record
		if err := in.Read(&rec); err != nil || rec.Sequence.Number != 1 {
			t.Errorf("%s: first: %v", name, err)
		}
		if err := in.Read(&rec); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		} else if err != nil && (strings.Contains(err.Error(), "acme") || !strings.Contains(err.Error(), "block 2")) {
			t.Errorf("%s: %v", name, err)
		}
		err := in.Read(&rec)
		if name == "a record is too few" {
			if !errors.Is(err, ErrSyntax) {
				t.Errorf("%s: the one that is not there: %v", name, err)
			}
			err = in.Read(&rec)
		}
		if c.after && (err != nil || rec.Sequence.Number != 3) || !c.after && err != io.EOF {
			t.Errorf("%s: then %v, record %d", name, err, rec.Sequence.Number)
		}
	}
}

// What looks like a block in a path is a path, also behind a damaged head.
func TestPathsForgeNoBlocks(t *testing.T) {
	r := sampleHit()
	r.Path = bytes.Join(blocksOf(2), []byte("\n"))
	file := Append(nil, Binary, Strike, r)
	if got := readAll(t, bytes.NewReader(file)); len(got) != 1 || !bytes.Equal(got[0].Path, r.Path) {
		t.Errorf("%d records", len(got))
	}
	for at := range blockHead {
		spoilt := bytes.Clone(file)
		spoilt[at] ^= 0x40
		var rec Record
		in := NewReader(bytes.NewReader(spoilt))
		for range len(spoilt) {
			err := in.Read(&rec)
			if err == io.EOF {
				break
			}
			if err == nil && at >= len(blockMagic) {
				t.Fatalf("byte %d of the head damaged: a record of %s", at, rec.Host)
			}
		}
	}
}

// A file that ends anywhere is whole up to the last block that ends before.
func TestWholeBlocks(t *testing.T) {
	blocks := blocksOf(3)
	file := bytes.Join(blocks, nil)
	for size := range len(file) + 1 {
		want, end := 0, 0
		for _, b := range blocks {
			if end += len(b); end <= size {
				want = end
			}
		}
		got, err := wholePieces(bytes.NewReader(file[:size]), int64(size))
		if err != nil || int(got) != want {
			t.Fatalf("of %d bytes %d are whole blocks, want %d; %v", size, got, want, err)
		}
		in, n := NewReader(bytes.NewReader(file[:size])), 0
		var rec Record
		for err = in.Read(&rec); err == nil; err = in.Read(&rec) {
			n++
		}
		if n != bytes.Count(file[:want], []byte(blockMagic)) || (want == size) != (err == io.EOF) || want < size && !errors.Is(err, ErrTorn) {
			t.Fatalf("%d bytes: %d records, %v", size, n, err)
		}
	}
	zeros := append(bytes.Clone(file), make([]byte, 5000)...) // as a power cut leaves them
	if got, err := wholePieces(bytes.NewReader(zeros), int64(len(zeros))); err != nil || int(got) != len(file) {
		t.Errorf("with zeros: %d, %v", got, err)
	}
}

// Blocks are closed before they are too long to be read, whatever is in them.
func TestBlocksAreBounded(t *testing.T) {
	o := testOptions(t.TempDir())
	o.Format = Binary
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		r := sampleHit()
		r.Path = bytes.Repeat([]byte{'x'}, i*75)
		w.Write(r)
		if i%10 == 0 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := readDir(t, o.Dir)
	checkBooks(t, w, got)
	if st := w.Stats(); st.Dropped != 0 {
		t.Errorf("%+v", st)
	}
}

func TestUnhex16(t *testing.T) {
	for _, good := range []uint64{0, 1, math.MaxUint64, 0x0123456789abcdef, 0xfedcba9876543210} {
		if got, ok := unhex16(fmt.Appendf(nil, "%016x", good)); !ok || got != good {
			t.Errorf("%016x: %x, %v", good, got, ok)
		}
	}
	for c := range 256 {
		for at := range 16 {
			text := []byte("0123456789abcdef")
			text[at] = byte(c)
			want := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
			if got, ok := unhex16(text); ok != want || ok && fmt.Sprintf("%016x", got) != string(text) {
				t.Fatalf("%q: %x, %v", text, got, ok)
			}
		}
	}
	for _, bad := range []string{"", "0", "0123456789abcde", "0123456789abcdef0"} {
		if _, ok := unhex16([]byte(bad)); ok {
			t.Errorf("%q was read", bad)
		}
	}
}

// FuzzBlock gives any body to the reader, under a head that is right. What it takes is
// stable: written and read again it is the same.
func FuzzBlock(f *testing.F) {
	for _, r := range []*Record{sampleHit(), sampleRefused(), hostileRecord(), {}} {
		f.Add(Append(nil, Binary, Full, r)[blockHead:], uint16(1), int64(0))
	}
	e := NewEncoder(Binary, Full)
	file := e.Append(e.Append(nil, usualHit()), usualHit())
	f.Add(e.End(file)[blockHead:], uint16(2), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, body []byte, records uint16, now int64) {
		block := append(beginBlock(nil, blockOfRecords), body...)
		sealBlock(block, int(records), now)
		stampBlock(block, &Sequence{Run: 1, Number: 1})
		var first, again []Record
		e := NewEncoder(Binary, Full)
		var file []byte
		in := NewReader(bytes.NewReader(block))
		for range int(records) + 2 {
			var r Record
			if err := in.Read(&r); err != nil {
				break
			}
			first = append(first, r)
			file = e.Append(file, &r)
		}
		if len(first) > len(body) {
			t.Fatalf("%d records of %d bytes", len(first), len(body))
		}
		again = readAll(t, bytes.NewReader(e.End(file)))
		for i := range again {
			again[i].Client, first[i].Client = again[i].Client.Unmap(), first[i].Client.Unmap()
		}
		if d := cmp.Diff(first, again, sameRecord, cmp.Comparer(func(a, b AddressMode) bool { return true })); d != "" {
			t.Fatalf("%q (-first +again):\n%s", body, d)
		}
	})
}
