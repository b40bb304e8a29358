package rfc9111

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"edged/cache/object"
)

func TestVary(t *testing.T) {
	cases := []struct {
		name  string
		lines []string
		want  string
		star  bool
	}{
		{"12.5.5 none", nil, "", false},
		{"12.5.5 empty", []string{"Vary: "}, "", false},
		{"12.5.5 one", []string{"Vary: Foo"}, "foo", false},
		{"12.5.5 sorted and unique", []string{"Vary: foo,Bar", "vary: Foo , baz,"}, "bar baz foo", false},
		{"9111 §4.1 star", []string{"Vary: *"}, "", true},
		{"9111 §4.1 two stars", []string{"Vary: *, *"}, "", true},
		{"9111 §4.1 star on another line", []string{"Vary: ", "Vary: *"}, "", true},
		{"9111 §4.1 star among others", []string{"Vary: Foo, *"}, "", true},
		{"9111 §4.1 star first", []string{"Vary: *, Foo"}, "", true},
		{"not a name", []string{"Vary: Foo; Bar"}, "", true},
		{"not a name, no comma", []string{"Vary: Foo Bar"}, "", true},
		{"edge owns CORS", []string{"Vary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method, Foo"}, "foo", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			names, star := Vary(header(c.lines...))
			if got := strings.Join(names, " "); got != c.want || star != c.star {
				t.Errorf("%q: %q, %v, want %q, %v", c.lines, got, star, c.want, c.star)
			}
		})
	}
}

func FuzzVary(f *testing.F) {
	for _, seed := range []string{"", "*", "Foo, bar", ",,a", "a b", "Origin, Accept-Encoding"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		names, star := Vary(object.Header{{Name: "Vary", Value: s}})
		if star && names != nil {
			t.Fatalf("%q: star with names %q", s, names)
		}
		for member := range strings.SplitSeq(s, ",") {
			if strings.Trim(member, " \t") == "*" && !star {
				t.Fatalf("%q: the star was not seen", s)
			}
		}
		if !slices.IsSorted(names) {
			t.Fatalf("%q: %q is not sorted", s, names)
		}
		again, star := Vary(object.Header{{Name: "vary", Value: strings.Join(names, ",")}})
		if star || !slices.Equal(again, names) {
			t.Fatalf("%q: %q became %q", s, names, again)
		}
	})
}

func TestNormalizeSelecting(t *testing.T) {
	cases := []struct{ name, field, in, want string }{
		{"4.1 as it is", "foo", "1", "1"},
		{"4.1 absent", "foo", "", ""},
		{"4.1 around commas", "foo", " 1, 2 ", "1,2"},
		{"4.1 before commas", "foo", "1 ,\t2 ,3", "1,2,3"},
		{"4.1 folded", "foo", "a \t b", "a b"},
		{"4.1 quoted", "foo", `a="x,  y" , b`, `a="x,  y",b`},
		{"4.1 open quote", "foo", `a="x,  y`, `a="x,y`},
		{"4.1 case counts", "foo", "A", "A"},
		{"12.5.3 browser", "accept-encoding", "gzip, deflate, br, zstd", "br,gzip,zstd"},
		{"12.5.3 order and space", "accept-encoding", "br ,gzip", "br,gzip"},
		{"12.5.3 case", "accept-encoding", "GZip, BR;Q=1.0", "br,gzip"},
		{"12.5.3 x-gzip", "accept-encoding", "x-gzip", "gzip"},
		{"12.5.3 unknown", "accept-encoding", "deflate, compress", ""},
		{"12.5.3 identity", "accept-encoding", "identity", ""},
		{"12.5.3 refused", "accept-encoding", "gzip;q=0, br;q=0.001", "br"},
		{"12.5.3 chromium media", "accept-encoding", "gzip, identity;q=1, *;q=0", "gzip"},
		{"12.5.3 others", "accept-encoding", "*, br;q=0", "gzip,zstd"},
		{"12.5.3 none", "accept-encoding", "", ""},
		{"12.5.3 bad weight", "accept-encoding", "br;q=2, gzip;q=0.1234, zstd;q=, br;x=1", ""},
		{"12.5.4 order", "accept-language", "en, de", "de,en"},
		{"12.5.4 case", "accept-language", "eN, De", "de,en"},
		{"12.5.4 space", "accept-language", " en ,   de", "de,en"},
		{"12.5.4 weights", "accept-language", "fr;q=0.50, de-AT ; q=1.0, en;q=0", "de-at,fr;q=0.5,en;q=0"},
		{"12.5.4 three decimals", "accept-language", "de;q=0.125,fr;q=0.007", "de;q=0.125,fr;q=0.007"},
		{"12.5.4 unreadable", "accept-language", "de;q=x , fr", "de;q=x,fr"},
		{"12.5.4 too many", "accept-language", strings.Repeat("a, ", 17) + "b", strings.Repeat("a,", 17) + "b"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := string(NormalizeSelecting(c.field, []byte(c.in), []byte("x"))); got != "x"+c.want {
				t.Errorf("%s: %q = %q, want %q", c.field, c.in, got[1:], c.want)
			}
		})
	}
}

// Normalising twice is normalising once, or a normalised value sent upstream and
// read back would name another variant.
func FuzzNormalizeSelecting(f *testing.F) {
	for _, seed := range []string{"gzip, br;q=0.5", "de;q=0.9, en", ` a , "b, c"`, "*;q=0", `"`, ";q=1", "a;q=0."} {
		for _, field := range []string{"accept-encoding", "accept-language", "foo"} {
			f.Add(field, seed)
		}
	}
	f.Fuzz(func(t *testing.T, field, s string) {
		once := NormalizeSelecting(field, []byte(s), nil)
		if twice := NormalizeSelecting(field, once, nil); string(twice) != string(once) {
			t.Fatalf("%s: %q became %q, then %q", field, s, once, twice)
		}
	})
}

// However a list is written, its normal form is the same.
func TestNormalizeLanguageOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"de", "en;q=0.5", "fr", "it;q=0.5", "ja;q=0.25"}), 1, 5, rapid.ID).Draw(t, "members")
		want := NormalizeSelecting("accept-language", []byte(strings.Join(members, ",")), nil)
		shuffled := rapid.Permutation(members).Draw(t, "shuffled")
		got := NormalizeSelecting("accept-language", []byte(strings.ToUpper(strings.Join(shuffled, " , "))), nil)
		if string(got) != string(want) {
			t.Fatalf("%q and %q: %q and %q", members, shuffled, want, got)
		}
	})
}

func TestNormalizeSelectingAllocs(t *testing.T) {
	encoding, language, other := []byte("gzip, deflate, br, zstd"), []byte("de-DE,de;q=0.9,en;q=0.8"), []byte(` a , "b, c"`)
	dst := make([]byte, 0, 256)
	checkAllocs(t, "NormalizeSelecting", func() {
		NormalizeSelecting("accept-encoding", encoding, dst)
		NormalizeSelecting("accept-language", language, dst)
		NormalizeSelecting("foo", other, dst)
	})
}
