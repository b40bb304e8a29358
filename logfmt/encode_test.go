package logfmt

import (
	"bytes"
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameRecord compares records; an empty text and a missing one are the same.
var sameRecord = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b CMCD) bool { return a == b }),
}

func TestGoldenFiles(t *testing.T) {
	for _, f := range allFormats {
		got := AppendHeader(nil, f, "edged 1.2", arrival)
		for _, m := range []AddressMode{Strike, Full, None} {
			e := NewEncoder(f, m)
			got = e.End(e.Append(e.Append(got, sampleHit()), sampleRefused()))
		}
		e := NewEncoder(f, Strike)
		got = e.End(e.Append(e.Append(got, hostileRecord()), &Record{}))
		golden(t, "records."+f.String(), got)
	}
}

// hostileRecord tries to forge fields, lines and directives.
func hostileRecord() *Record {
	r := sampleRefused()
	r.Host = []byte("a b\tc")
	r.Method = []byte("-")
	r.Path = []byte("/x\n#Fields: x\r\n{\"v\":2}\u2028\u0085\xff%0A+é\x00\\\"\x7f")
	r.Error = `","status":200,"x":"`
	r.Request.Trace = []byte("%")
	return r
}

func TestLineHasExactlyItsFields(t *testing.T) {
	for name, r := range map[string]*Record{
		"full": sampleHit(), "sparse": sampleRefused(), "hostile": hostileRecord(), "zero": {},
	} {
		line := Append(nil, W3C, Strike, r)
		if bytes.Count(line, []byte(" ")) != len(fields) || bytes.Contains(line, []byte("  ")) { // date time is one field
			t.Errorf("%s: not %d columns: %q", name, len(fields)+1, line)
		}
		for _, f := range []Format{W3C, JSON} {
			checkOneLine(t, f, Append(nil, f, Strike, r))
		}
	}
}

// checkOneLine checks what must hold for any line.
func checkOneLine(t *testing.T, f Format, line []byte) {
	t.Helper()
	body, ok := bytes.CutSuffix(line, []byte("\n"))
	if !ok || !utf8.Valid(body) {
		t.Fatalf("%v: not a line of UTF-8: %q", f, line)
	}
	for _, c := range string(body) {
		if c < ' ' || c >= 0x7f && c < 0xa0 || c == '\u2028' || c == '\u2029' || f == W3C && c > 0x7e {
			t.Fatalf("%v: %U in a line: %q", f, c, line)
		}
	}
	if f == JSON && !json.Valid(body) {
		t.Fatalf("not JSON: %q", line)
	}
	if f == W3C && body[0] == '#' {
		t.Fatalf("a record looks like a directive: %q", line)
	}
}

func TestJSONKeysAreInTableOrder(t *testing.T) {
	line := Append(nil, JSON, Strike, sampleHit())
	at := bytes.Index(line, []byte(`{"v":2,`))
	if at != 0 {
		t.Fatalf("the line does not begin with its version: %s", line)
	}
	for _, f := range Fields() {
		next := bytes.Index(line, []byte(`,"`+f.JSON+`":`))
		if next < at {
			t.Errorf("key %q is missing or out of order in %s", f.JSON, line)
		}
		at = next
	}
}

// The pen names the fields one by one; each must stand where the table says.
func TestPenFollowsTable(t *testing.T) {
	want := sampleHit()
	line := Append(nil, W3C, Full, want)
	values := bytes.Fields(line)[1:] // date and time are one field
	for i, f := range Fields() {
		value := values[i]
		if f.Kind == KindTime {
			value = bytes.Join(bytes.Fields(line)[:2], []byte(" "))
		}
		var alone Record
		if f.Kind == KindRendition {
			alone.Path = want.Path // it is made of that
		}
		if !parseW3CValue(value, &alone, &f, nil) {
			t.Errorf("%q is not a value of %s", value, f.W3C)
			continue
		}
		// Alone the value must be what JSON has under the key of this row.
		var object map[string]any
		if err := json.Unmarshal(Append(nil, JSON, Full, want), &object); err != nil {
			t.Fatal(err)
		}
		var back map[string]any
		if err := json.Unmarshal(Append(nil, JSON, Full, &alone), &back); err != nil {
			t.Fatal(err)
		}
		if back[f.JSON] != object[f.JSON] {
			t.Errorf("%s is %v in JSON and %v in W3C", f.JSON, object[f.JSON], back[f.JSON])
		}
	}
}

func TestTime(t *testing.T) {
	for want, at := range map[string]time.Time{
		"1970-01-01 00:00:00.000": time.Unix(0, 0),
		"1969-12-31 23:59:59.999": time.Unix(0, -1),
		"2026-03-04 05:06:07.089": arrival,
		"2024-02-29 23:59:59.999": time.Date(2024, 2, 29, 23, 59, 59, 999_999_999, time.UTC),
		"2261-12-31 00:00:00.000": time.Date(2261, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		if got := string((*clock)(nil).append(nil, at.UnixNano(), ' ')); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What is remembered from line to line changes no line.
func TestMemoChangesNothing(t *testing.T) {
	for _, f := range []Format{W3C, JSON} {
		var m memo
		for i := range 200 {
			r := []*Record{sampleHit(), sampleRefused(), hostileRecord(), {}}[i/3%4]
			r.Time += int64(i%2) * int64(time.Second)
			r.Site = strings.Repeat("x", i%5/2)
			got := appendTail(appendHead(nil, f, Strike, r, &m), f, &r.Sequence)
			if want := Append(nil, f, Strike, r); !bytes.Equal(got, want) {
				t.Fatalf("%v, line %d:\n got %s\nwant %s", f, i, got, want)
			}
		}
	}
}

func TestMicrosRoundUp(t *testing.T) {
	for d, want := range map[time.Duration]int64{
		0: 0, 1: 1, 999: 1, 1000: 1, 1001: 2, time.Second: 1e6, math.MaxInt64: math.MaxInt64/1000 + 1,
	} {
		if got := micros(d); got != want {
			t.Errorf("micros(%d ns) = %d, want %d", d, got, want)
		}
	}
}

func TestRange(t *testing.T) {
	for _, tc := range []struct {
		start, end int64
		want       string
	}{
		{0, 100, "0-99"},
		{5, 6, "5-5"},
		{0, 0, ""},
		{7, 7, ""},
		{9, 3, ""},
		{-1, 3, ""},
		{0, math.MaxInt64, "0-9223372036854775806"},
	} {
		r := Record{Request: Request{RangeStart: tc.start, RangeEnd: tc.end}}
		if got := string(appendRange(nil, &r)); got != tc.want {
			t.Errorf("[%d, %d) is %q, want %q", tc.start, tc.end, got, tc.want)
		}
	}
}

func TestEscapes(t *testing.T) {
	for _, tc := range []struct{ raw, w3c, json string }{
		{"", "", ""},
		{"plain/~-._:;,=&?#'()", "plain/~-._:;,=&?#'()", "plain/~-._:;,=&?#'()"},
		{"-", "%2D", "-"},
		{"--", "--", "--"},
		{"a b", "a+b", "a b"},
		{"a+b", "a%2Bb", "a+b"},
		{"100%", "100%25", "100%25"},
		{`"\`, `%22\`, `\"\\`},
		{"é€😀", "%C3%A9%E2%82%AC%F0%9F%98%80", "é€😀"},
		{"\n\r\t\x00\x7f", "%0A%0D%09%00%7F", "%0A%0D%09%00%7F"},
		{"\xff\xc3", "%FF%C3", "%FF%C3"},
		{"\u0085\u2028\u2029", "%C2%85%E2%80%A8%E2%80%A9", "%C2%85%E2%80%A8%E2%80%A9"},
		{"\ufffd", "%EF%BF%BD", "%EF%BF%BD"},
		{"\xed\xa0\x80", "%ED%A0%80", "%ED%A0%80"}, // a surrogate is no character
	} {
		if got := string(appendW3CText(nil, tc.raw)); got != tc.w3c {
			t.Errorf("W3C of %q: got %q, want %q", tc.raw, got, tc.w3c)
		}
		if got := string(appendJSONText(nil, []byte(tc.raw))); got != tc.json {
			t.Errorf("JSON of %q: got %q, want %q", tc.raw, got, tc.json)
		}
	}
}

func TestUnescapeRefuses(t *testing.T) {
	for _, s := range []string{"%", "%1", "a%", "%G0", "%0g", "%%41"} {
		if got, ok := appendUnescaped(nil, s, true); ok {
			t.Errorf("%q was read as %q", s, got)
		}
	}
}

func TestHeaderNamesEveryColumn(t *testing.T) {
	header := string(AppendHeader(nil, W3C, "edged\n#Fields: x", arrival))
	if strings.Count(header, "\n") != 5 || !strings.HasPrefix(header, "#Version: 1.0\n") {
		t.Errorf("header is %q", header)
	}
	_, names, _ := strings.Cut(header, "\n#Fields: ")
	if got := len(strings.Fields(names)); got != len(fields)+1 {
		t.Errorf("%d columns, want %d", got, len(fields)+1)
	}
	if got := AppendHeader(nil, JSON, "edged", arrival); len(got) != 0 {
		t.Errorf("a JSON file has a header: %q", got)
	}
}

// room must never be too small, or a queue would grow.
func TestRoomIsAnUpperBound(t *testing.T) {
	worst := hostileRecord()
	for _, f := range Fields() {
		long := strings.Repeat("\xff", 500)
		switch f.Kind {
		case KindText:
			if s := worst.stringOf(f.id); s != nil {
				*s = long
			} else {
				*worst.bytesOf(f.id) = []byte(long)
			}
		case KindCount:
			*worst.countOf(f.id) = math.MinInt64
		case KindMicros:
			*worst.durationOf(f.id) = math.MaxInt64
		}
	}
	worst.Status, worst.Cache.TTL, worst.Cache.HasTTL = math.MinInt64, math.MinInt64, true
	worst.Request.RangeEnd = math.MaxInt64
	worst.Request.Agent = AgentAppleCoreMedia
	worst.Token.Session = math.MaxUint64
	worst.Request.CMCD = everyCMCD(math.MaxInt64)
	worst.Client = netip.MustParseAddr("2001:db8:1111:2222:3333:4444:5555:6666")
	for _, f := range []Format{W3C, JSON} {
		line := Append(nil, f, Full, worst)
		if len(line) > worst.room() {
			t.Errorf("%v: line of %d bytes, bound %d", f, len(line), worst.room())
		}
		tail := appendTail(nil, f, &worst.Sequence)
		if len(tail) > tailRoom {
			t.Errorf("%v: tail of %d bytes, bound %d", f, len(tail), tailRoom)
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	buf := make([]byte, 0, 4096)
	ua := []byte("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	page := []byte("https://player.example.org/watch")
	for _, f := range allFormats {
		got := testing.AllocsPerRun(200, func() {
			r := *sampleHit0 // a caller's record may live on its stack
			r.Request.Agent, r.Request.Referrer = AgentOf(ua), ReferrerHost(page)
			buf = Append(buf[:0], f, Strike, &r)
		})
		if got != 0 {
			t.Errorf("%v: %v allocations a record", f, got)
		}
	}
}

var sampleHit0 = sampleHit()

func BenchmarkAppend(b *testing.B) {
	for _, f := range allFormats {
		b.Run(f.String(), func(b *testing.B) {
			r := sampleHit()
			buf := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				buf = Append(buf[:0], f, Strike, r)
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

// usualHit is what most lines of a busy node look like.
func usualHit() *Record {
	return &Record{
		Time: arrival.UnixNano(), Node: "edge-ams-01", Account: "acme", Site: "acme.example.net",
		Client: netip.MustParseAddr("123.123.123.123"), Method: []byte("GET"), Host: []byte("acme.example.net"),
		Path: []byte("/title/1080p/seg-00042.m4s"), Status: 200, Duration: 45 * time.Microsecond,
		BytesSent: 2048, WireBytes: 2460, FirstByte: 31 * time.Microsecond,
		Cache:  Cache{Hit: true, HasTTL: true, TTL: 3512},
		Source: Source{Tier: "ram", RAM: 2048},
		Request: Request{
			Protocol: "HTTP/1.1", Referrer: []byte("player.example.org"), Agent: AgentChrome,
			Class: "segment", Trace: []byte("0af7651916cd43dd"),
		},
		Sequence: Sequence{Run: 1772600767000, Number: 123456},
	}
}

// BenchmarkUsualHit is what a request pays for: the record in its queue.
func BenchmarkUsualHit(b *testing.B) {
	for _, f := range allFormats {
		b.Run(f.String(), func(b *testing.B) {
			s := shard{buf: make([]byte, 0, 1<<20), limit: blockSize}
			records, n := traffic(128), 0
			b.ReportAllocs()
			for b.Loop() {
				if len(s.buf) > wakeSize {
					s.take(s.buf)
				}
				s.add(f, Strike, records[n&(len(records)-1)])
				n++
			}
		})
	}
}

func BenchmarkAgentOf(b *testing.B) {
	ua := []byte("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	b.ReportAllocs()
	for b.Loop() {
		AgentOf(ua)
	}
}
