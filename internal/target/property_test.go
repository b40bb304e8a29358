package target_test

import (
	"bytes"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"edged/internal/target"
)

// accepts is a slow, obvious model of Canonical: what it decodes a raw path to,
// and whether the path may pass.
func accepts(raw string) (string, bool) {
	if !strings.HasPrefix(raw, "/") || strings.ContainsAny(raw, `?#\`) {
		return "", false
	}
	for _, c := range []byte(raw) {
		if c < 0x21 || c > 0x7E {
			return "", false
		}
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil || !utf8.ValidString(decoded) || strings.Contains(decoded, `\`) {
		return "", false
	}
	if strings.Count(decoded, "/") != strings.Count(raw, "/") {
		return "", false
	}
	if strings.ContainsFunc(decoded, func(r rune) bool { return r < 0x20 || r >= 0x7F && r < 0xA0 }) {
		return "", false
	}
	for i := range len(decoded) {
		if decoded[i] != '%' || i+3 > len(decoded) {
			continue
		}
		if _, err := url.PathUnescape(decoded[i : i+3]); err == nil {
			return "", false
		}
	}
	segments := strings.Split(decoded, "/")[1:]
	for i, s := range segments {
		name, _, _ := strings.Cut(s, ";")
		last := i == len(segments)-1
		if name == "." || name == ".." || name == "" && !(last && s == "") {
			return "", false
		}
	}
	return decoded, true
}

// checkCanonical holds Canonical against the model and its own promises.
func checkCanonical(t interface {
	Helper()
	Fatalf(string, ...any)
}, raw string,
) {
	t.Helper()
	in := []byte(raw)
	got, _, why := target.Canonical(in, nil)
	want, ok := accepts(raw)
	if (why == target.OK) != ok || string(got) != want {
		t.Fatalf("Canonical(%q) = %q, %v; the model says %q, %v", raw, got, why, want, ok)
	}
	if string(in) != raw {
		t.Fatalf("Canonical(%q) changed its input to %q", raw, in)
	}
	if why != target.OK {
		return
	}
	clean := path.Clean(want)
	if clean != want && clean+"/" != want {
		t.Fatalf("Canonical(%q) = %q, which cleans to %q", raw, got, clean)
	}
	checkFixedPoint(t, got)
}

// checkFixedPoint: decoding what was encoded gives the same, and once more.
func checkFixedPoint(t interface {
	Helper()
	Fatalf(string, ...any)
}, canonical []byte,
) {
	t.Helper()
	encoded := target.AppendEncoded(nil, canonical)
	again, _, why := target.Canonical(encoded, nil)
	if why != target.OK || !bytes.Equal(again, canonical) {
		t.Fatalf("Canonical(AppendEncoded(%q)) = %q, %v", canonical, again, why)
	}
	if twice := target.AppendEncoded(nil, again); !bytes.Equal(twice, encoded) {
		t.Fatalf("AppendEncoded is no fixed point for %q: %q, then %q", canonical, encoded, twice)
	}
}

// piece draws fragments that matter to path parsers, so that random paths are
// odd more often than not.
func piece() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"/", "/", ".", "..", ";", "%2e", "%2E", "%2f", "%5c", "%25", "%252e", "%00", "%3b", "%20",
			"%c3%a9", "%c2%85", "%c0%ae", "%", "2e", "\\", "?", "#", " ", "\x7f", "é",
		}),
		rapid.StringMatching(`[a-z0-9._~;=-]{1,6}`),
		rapid.StringMatching(`%[0-9a-fA-F]{2}`),
	)
}

func TestCanonicalProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkCanonical(t, "/"+strings.Join(rapid.SliceOfN(piece(), 0, 8).Draw(t, "pieces"), ""))
	})
}

// TestEncodedTextRoundTrips begins at the other end: whatever text is encoded, it
// comes back as it was or is refused, and never as another text.
func TestEncodedTextRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "/" + rapid.StringN(0, 20, -1).Draw(t, "text")
		encoded := target.AppendEncoded(nil, []byte(text))
		got, _, why := target.Canonical(encoded, nil)
		if why == target.OK && string(got) != text {
			t.Fatalf("Canonical(AppendEncoded(%q)) = %q", text, got)
		}
		if want, ok := accepts(string(encoded)); ok != (why == target.OK) || ok && want != text {
			t.Fatalf("Canonical(%q): got %v; the model says %q, %v", encoded, why, want, ok)
		}
	})
}

// TestQueryPolicyKeepsOrder: what is kept is a subsequence of what was sent, and
// no token or CMCD is in it.
func TestQueryPolicyKeepsOrder(t *testing.T) {
	pair := rapid.StringMatching(`(a|b|ect|ECT|CMCD|cmcd|_HLS_msn|%65ct|)(=[a-z%;=]{0,3})?`)
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.SliceOfN(pair, 1, 12).Draw(t, "pairs")
		query := []byte(strings.Join(sent, "&"))
		p := target.QueryPolicy{Mode: target.Mode(rapid.IntRange(0, 3).Draw(t, "mode")), Names: []string{"a"}, Drop: []string{"ect"}}
		kept := p.Append(nil, query)
		rest := sent
		for name, value := range target.Params(kept) {
			if strings.EqualFold(string(name), "cmcd") || strings.EqualFold(string(name), "ect") || string(name) == "%65ct" {
				t.Fatalf("Append(%q) kept %q=%q", query, name, value)
			}
			for len(rest) > 0 && !isPair(rest[0], name, value) {
				rest = rest[1:]
			}
			if len(rest) == 0 {
				t.Fatalf("Append(%q) = %q is not in the order sent", query, kept)
			}
			rest = rest[1:]
		}
	})
}

func isPair(pair string, name, value []byte) bool {
	s := string(name)
	if value != nil {
		s += "=" + string(value)
	}
	return s == pair
}
