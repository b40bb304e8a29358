package object

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sampleMeta returns a Meta that uses every field.
func sampleMeta() *Meta {
	return &Meta{
		Key: "acme\x00site\x00/v/1.m4s", Account: "acme", Keys: "film-a series-1", Status: 200,
		Header:  Header{{"Content-Type", "video/mp4"}, {"ETag", `"a"`}, {"X-Empty", ""}},
		Size:    1 << 33,
		Version: 0xfedcba9876543210, Seq: 7, Class: 3,
		Freshness: Freshness{
			Received: 1_700_000_000_000_000_000, InitialAge: time.Second, Lifetime: time.Hour,
			StaleWhileRevalidate: 2 * time.Second, StaleIfError: 3 * time.Second,
			Flags: MustRevalidate | Immutable,
		},
	}
}

func TestMetaGolden(t *testing.T) {
	m := &Meta{
		Key: "k", Account: "a", Keys: "s", Status: 0x0102, Header: Header{{"n", "vv"}}, Size: -1,
		Version: 8, Seq: 9, Class: 10,
		Freshness: Freshness{Received: 1, InitialAge: 2, Lifetime: 3, StaleWhileRevalidate: 4, StaleIfError: 5, Flags: NoCache},
	}
	want := "02" + "0a" + "0201" + "5c000000" +
		"0800000000000000" + "0900000000000000" + "ffffffffffffffff" +
		"0100000000000000" + "0200000000000000" + "0300000000000000" + "0400000000000000" + "0500000000000000" +
		"0200" + "0100" + "0100" + "0100" + "0100" +
		"6b" + "61" + "73" + "0100" + "0200" + "6e" + "7676"
	if got := hex.EncodeToString(AppendMeta(nil, m)); got != want {
		t.Errorf("format 2 changed on disk:\n got %s\nwant %s", got, want)
	}
}

func TestMetaRoundTrip(t *testing.T) {
	prefix := []byte("kept")
	b := AppendMeta(prefix, sampleMeta())
	if !bytes.HasPrefix(b, prefix) {
		t.Fatalf("AppendMeta overwrote dst: %q", b[:4])
	}
	got, err := ParseMeta(b[len(prefix):])
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sampleMeta(), got); d != "" {
		t.Error(d)
	}
}

// drawMeta draws any Meta that is within the limits.
func drawMeta(t *rapid.T) *Meta {
	dur := func(name string) time.Duration { return time.Duration(rapid.Int64().Draw(t, name)) }
	m := &Meta{
		Key:     Key(rapid.StringN(-1, -1, 300).Draw(t, "key")),
		Account: rapid.StringN(-1, -1, 40).Draw(t, "account"),
		Keys:    rapid.StringN(-1, -1, 40).Draw(t, "keys"),
		Status:  rapid.IntRange(0, 65535).Draw(t, "status"),
		Size:    rapid.Int64Min(-1).Draw(t, "size"),
		Version: rapid.Uint64().Draw(t, "version"),
		Seq:     rapid.Uint64().Draw(t, "seq"),
		Class:   rapid.Byte().Draw(t, "class"),
		Freshness: Freshness{
			Received: rapid.Int64().Draw(t, "received"), InitialAge: dur("age"), Lifetime: dur("lifetime"),
			StaleWhileRevalidate: dur("swr"), StaleIfError: dur("sie"),
			Flags: Flags(rapid.Uint16().Draw(t, "flags")),
		},
	}
	for range rapid.IntRange(0, 20).Draw(t, "lines") {
		m.Header = append(m.Header, Field{rapid.String().Draw(t, "name"), rapid.String().Draw(t, "value")})
	}
	return m
}

func TestMetaRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMeta(t)
		b := AppendMeta(nil, m)
		got, err := ParseMeta(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, got); d != "" {
			t.Fatal(d)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if _, err := ParseMeta(b[:cut]); !errors.Is(err, ErrMeta) {
			t.Fatalf("the first %d of %d bytes: error %v, want ErrMeta", cut, len(b), err)
		}
	})
}

func TestMetaLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name string
		set  func(*Meta)
		want bool
	}{
		{"as it is", func(*Meta) {}, true},
		{"longest key", func(m *Meta) { m.Key = Key(long(MaxKeyBytes)) }, true},
		{"key too long", func(m *Meta) { m.Key = Key(long(MaxKeyBytes + 1)) }, false},
		{"longest account", func(m *Meta) { m.Account = long(MaxKeyBytes) }, true},
		{"account too long", func(m *Meta) { m.Account = long(MaxKeyBytes + 1) }, false},
		{"longest value", func(m *Meta) { m.Header = Header{{"n", long(MaxHeaderBytes - 5)}} }, true},
		{"value too long", func(m *Meta) { m.Header = Header{{"n", long(MaxHeaderBytes - 4)}} }, false},
		{"most lines", func(m *Meta) { m.Header = make(Header, MaxHeaderBytes/4) }, true},
		{"too many lines", func(m *Meta) { m.Header = make(Header, MaxHeaderBytes/4+1) }, false},
		{"all at once", func(m *Meta) {
			m.Key, m.Account, m.Keys = Key(long(MaxKeyBytes)), long(MaxKeyBytes), long(MaxKeyBytes)
			m.Header = Header{{long(30000), long(MaxHeaderBytes - 30004)}}
		}, true},
		{"status beyond 16 bits", func(m *Meta) { m.Status = 65536 }, false},
		{"negative status", func(m *Meta) { m.Status = -1 }, false},
		{"size unknown", func(m *Meta) { m.Size = -1 }, true},
		{"size nonsense", func(m *Meta) { m.Size = -2 }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := sampleMeta()
			tt.set(m)
			b := AppendMeta(nil, m)
			if m.Encodable() != tt.want || (len(b) > 0) != tt.want || len(b) > MaxMetaBytes {
				t.Fatalf("Encodable() = %v with %d bytes appended, want %v and at most %d", m.Encodable(), len(b), tt.want, MaxMetaBytes)
			}
			if !tt.want {
				return
			}
			got, err := ParseMeta(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(m, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseMetaRefuses(t *testing.T) {
	tests := []struct {
		name   string
		damage func(b []byte) []byte
		text   string
	}{
		{"nothing", func([]byte) []byte { return nil }, "fixed part"},
		{"fixed part cut", func(b []byte) []byte { return b[:metaFixed-1] }, "fixed part"},
		{"later format", func(b []byte) []byte { b[0]++; return b }, "format 3"},
		{"trailing byte", func(b []byte) []byte { return append(b, 0) }, "says"},
		{"last byte cut", func(b []byte) []byte { return b[:len(b)-1] }, "says"},
		{"trailing byte in the length", func(b []byte) []byte { b[4]++; return append(b, 0) }, "after the last"},
		{"key over the limit", func(b []byte) []byte { b[75] = 0xff; return b }, "key of"},
		{"account over the limit", func(b []byte) []byte { b[77] = 0xff; return b }, "account of"},
		{"surrogate keys over the limit", func(b []byte) []byte { b[81] = 0xff; return b }, "surrogate keys of"},
		{"key beyond the end", func(b []byte) []byte { b[75] = 0x10; return b }, "header lines"},
		{"size below -1", func(b []byte) []byte { b[31] = 0x80; return b }, "body of"},
		{"more lines than bytes", func(b []byte) []byte { b[79] = 0xff; return b }, "header lines"},
		{"one line too many", func(b []byte) []byte { b[78]++; return b }, "ends after 3 of 4"},
		{"one line too few", func(b []byte) []byte { b[78]--; return b }, "after the last"},
		{"line beyond the end", func(b []byte) []byte { b[len(b)-10]++; return b }, "is cut"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ParseMeta(tt.damage(AppendMeta(nil, sampleMeta())))
			if !errors.Is(err, ErrMeta) || !strings.Contains(err.Error(), tt.text) || m != nil {
				t.Errorf("got %v and error %v, want ErrMeta about %q", m, err, tt.text)
			}
		})
	}
}

// TestParseMetaOwnsText changes the input after parsing.
func TestParseMetaOwnsText(t *testing.T) {
	b := AppendMeta(nil, sampleMeta())
	m, err := ParseMeta(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if d := cmp.Diff(sampleMeta(), m); d != "" {
		t.Error(d)
	}
}

// FuzzParseMeta holds that an encoding is unique: whatever is accepted encodes
// to the same bytes again.
func FuzzParseMeta(f *testing.F) {
	f.Add(AppendMeta(nil, sampleMeta()))
	f.Add(AppendMeta(nil, &Meta{Size: -1}))
	f.Add(AppendMeta(nil, &Meta{Key: "k", Header: Header{{"", ""}, {"a", ""}}})[:90])
	f.Add(bytes.Repeat([]byte{metaFormat}, metaFixed))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMeta(b)
		if err != nil {
			if m != nil || !errors.Is(err, ErrMeta) {
				t.Errorf("got %v and error %v, want nil and ErrMeta", m, err)
			}
			return
		}
		if again := AppendMeta(nil, m); !bytes.Equal(again, b) {
			t.Errorf("parsed %x, encodes to %x", b, again)
		}
	})
}

func BenchmarkParseMeta(b *testing.B) {
	enc := AppendMeta(nil, sampleMeta())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseMeta(enc); err != nil {
			b.Fatal(err)
		}
	}
}
