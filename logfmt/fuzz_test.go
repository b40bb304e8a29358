package logfmt

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzRoundTrip gives any bytes to every text field: each line must stay one
// line with its own fields, and read back to the same record.
func FuzzRoundTrip(f *testing.F) {
	f.Add("GET", "acme.example.net", "/a b/c.ts", "trace", []byte{1, 2, 3, 4}, int64(1), int64(2), uint8(3))
	f.Add("-", "\n#Fields: x", "\u2028\xff\x00%0A+\"\\", `","v":2,"x":"`, make([]byte, 16), int64(-1), int64(0), uint8(255))
	f.Add("", "", "", "", []byte(nil), int64(1<<62), int64(-1<<62), uint8(0))
	f.Fuzz(func(t *testing.T, a, b, c, d string, ip []byte, x, y int64, bits uint8) {
		client, _ := netip.AddrFromSlice(ip)
		want := Record{
			Time: x / 2, Client: client.Unmap(), Pseudonym: uint64(y),
			Node: a, Account: b, Site: c, Method: []byte(a), Host: []byte(b), Path: []byte(c),
			Error: d, Status: int(y), BytesSent: x, WireBytes: y, Aborted: bits&1 != 0,
			FirstByte: wholeMicros(x), Duration: wholeMicros(y),
			Cache:  Cache{Hit: bits&2 != 0, Forward: d, Stored: bits&4 != 0, Collapsed: bits&8 != 0, HasTTL: bits&16 != 0},
			Source: Source{Tier: a, RAM: y, Disk: x, Origin: -y},
			Token:  Token{Scheme: b, Key: c, Verdict: d, Session: uint64(x)},
			Request: Request{
				Protocol: a, TLS: b, Referrer: []byte(c), Class: d, Trace: []byte(d),
				Agent: Agent(bits) % numAgents, Query: []byte(d), UserAgent: []byte(b),
			},
			Sequence: Sequence{Run: x, Dropped: y, Number: -x},
		}
		if bits&32 != 0 {
			want.Request.CMCD.AddField([]byte(d))
			want.Request.CMCD.AddQuery([]byte("CMCD=" + c))
		}
		if want.Cache.HasTTL {
			want.Cache.TTL = y
		}
		if x >= 0 && y > x {
			want.Request.RangeStart, want.Request.RangeEnd = x, y
		}
		for _, format := range allFormats {
			checkRoundTrip(t, format, want)
		}
	})
}

// wholeMicros makes a duration that encoding does not round.
func wholeMicros(n int64) time.Duration {
	return time.Duration(max(n, 0)) / time.Microsecond * time.Microsecond
}

func checkRoundTrip(t *testing.T, format Format, want Record) {
	t.Helper()
	for _, m := range []AddressMode{Strike, Pseudonym, Full, None} {
		line := Append(nil, format, m, &want)
		if format != Binary {
			checkOneLine(t, format, line)
		}
		if len(line) > want.room() {
			t.Fatalf("line of %d bytes, bound %d", len(line), want.room())
		}
		var got Record
		if err := Parse(format, line, &got); err != nil {
			t.Fatalf("%v of %q", err, line)
		}
		if again := Append(nil, format, m, &got); !bytes.Equal(again, line) {
			t.Fatalf("read and written again:\n got %q\nwant %q", again, line)
		}
		if m != Full {
			continue // the line above compares the rest
		}
		wanted := want
		wanted.Time = floorMilli(want.Time)
		wanted.Client, wanted.Pseudonym = got.Client, got.Pseudonym // compared as text
		if d := cmp.Diff(wanted, got, sameRecord); d != "" {
			t.Fatalf("%v %v (-want +got):\n%s", format, m, d)
		}
	}
}

func floorMilli(n int64) int64 { return time.Unix(0, n).Truncate(time.Millisecond).UnixNano() }

// FuzzParse gives any line to both readers. What they accept must be stable:
// written and read again it is the same record.
func FuzzParse(f *testing.F) {
	for _, r := range []*Record{sampleHit(), sampleRefused(), hostileRecord(), {}} {
		f.Add(Append(nil, W3C, Full, r), false)
		f.Add(Append(nil, JSON, Full, r), true)
	}
	f.Add([]byte(`{"v":1,"path":"\u0041\ud800","time":"2026-03-04T06:06:07+01:00"}`), true)
	f.Fuzz(func(t *testing.T, line []byte, object bool) {
		format := W3C
		if object {
			format = JSON
		}
		var first, second Record
		if Parse(format, line, &first) != nil {
			return
		}
		again := Append(nil, format, Full, &first)
		checkOneLine(t, format, again)
		if err := Parse(format, again, &second); err != nil {
			t.Fatalf("%q came from %q: %v", again, line, err)
		}
		first.Time = floorMilli(first.Time)
		first.Client, first.Pseudonym = first.Client.Unmap(), second.Pseudonym
		if d := cmp.Diff(first, second, sameRecord); d != "" {
			t.Fatalf("%q (-first +second):\n%s", line, d)
		}
	})
}

// FuzzReader gives any file to the reader: it must end, whatever is in it.
func FuzzReader(f *testing.F) {
	head := AppendHeader(nil, W3C, "edged", arrival)
	f.Add(Append(head, W3C, Full, sampleHit()))
	f.Add(Append(nil, JSON, Full, sampleHit()))
	f.Add(append(bytes.Join(blocksOf(2), nil), "\n{}\n"+blockMagic...))
	f.Add([]byte("#Fields: date time\n2026-03-04 05:06:07\n#Fields:\n\n-\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		in := NewReader(bytes.NewReader(text))
		lines := bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte(blockMagic)) + 1
		var r Record
		for range lines + 1 {
			if in.Read(&r) != nil && in.Line() > lines {
				return
			}
		}
		if in.Line() <= lines {
			t.Errorf("%d lines read of %d", in.Line(), lines)
		}
	})
}
