package server

import (
	"bytes"
	"net/textproto"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"edged/internal/edge"
)

func TestFieldsParse(t *testing.T) {
	tests := []struct {
		name, block string
		want        Refusal
	}{
		{"empty", "", Accepted},
		{"only the end", "\r\n", Accepted},
		{"one", "A: b\r\n\r\n", Accepted},
		{"no end", "A: b\r\n", Accepted},
		{"empty value", "A:\r\n\r\n", Accepted},
		{"after the end", "A: b\r\n\r\nB: c\r\n", BadField},
		{"bare LF", "A: b\nB: c\r\n\r\n", BadField},
		{"no line end", "A: b", BadField},
		{"no colon", "A\r\n\r\n", BadField},
		{"no name", ": b\r\n\r\n", BadField},
		{"space in name", "A b: c\r\n\r\n", BadField},
		{"space before colon", "A : c\r\n\r\n", BadField},
		{"fold", "A: b\r\n c\r\n\r\n", FoldedField},
		{"fold first", "\tA: b\r\n\r\n", FoldedField},
		{"both", "content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", TwoFramings},
		{"many", strings.Repeat("A: b\r\n", maxFields), Accepted},
		{"too many", strings.Repeat("A: b\r\n", maxFields+1), HeaderTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f fields
			if got := f.parse([]byte(tt.block)); got != tt.want {
				t.Errorf("parse(%q) = %v, want %v", tt.block, got, tt.want)
			}
		})
	}
}

// TestExpectation: RFC 9110 §10.1.1.
func TestExpectation(t *testing.T) {
	for _, tt := range []struct {
		block string
		proto edge.Proto
		want  Refusal
	}{
		{"", edge.HTTP11, Accepted},
		{"Expect: 100-continue\r\n", edge.HTTP11, Accepted},
		{"expect: 100-Continue\r\n", edge.HTTP11, Accepted},
		{"Expect: 100-continue\r\nContent-Length: 1\r\n", edge.HTTP11, Expectation},
		{"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", edge.HTTP11, Expectation},
		{"Expect: 100-continue\r\nContent-Length: 1\r\n", edge.HTTP10, Accepted},
		{"Expect: x\r\n", edge.HTTP11, Expectation},
		{"Expect: x\r\n", edge.HTTP10, Expectation},
		{"Expect: 100-continue, x\r\n", edge.HTTP11, Expectation},
		{"Expect: 100-continue\r\nExpect: x\r\n", edge.HTTP11, Expectation},
		{"Expect:\r\n", edge.HTTP11, Expectation},
	} {
		var f fields
		if why := f.parse([]byte(tt.block)); why != Accepted {
			t.Fatalf("parse(%q) = %v", tt.block, why)
		}
		if got := f.expectation(tt.proto); got != tt.want {
			t.Errorf("%q in %s: %v, want %v", tt.block, tt.proto, got, tt.want)
		}
	}
}

// TestFieldsLookup compares look-ups with the standard library's over random
// headers, on one fields value that is reused.
func TestFieldsLookup(t *testing.T) {
	var f fields
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SampledFrom([]string{"Range", "range", "RANGE", "Rang", "If-Range", "Cookie", "X_Y", "X-Y", "Accept^", "Accept~"})
		value := rapid.StringMatching(`[ \t]{0,2}([!-~]([ -~]{0,9}[!-~])?)?[ \t]{0,2}`)
		var block strings.Builder
		want := textproto.MIMEHeader{}
		for range rapid.IntRange(0, 20).Draw(t, "lines") {
			n, v := names.Draw(t, "name"), value.Draw(t, "value")
			block.WriteString(n + ":" + v + "\r\n")
			key := strings.ToLower(n)
			want[key] = append(want[key], strings.Trim(v, " \t"))
		}
		block.WriteString("\r\n")
		if why := f.parse([]byte(block.String())); why != Accepted {
			t.Fatalf("parse(%q) = %v", block.String(), why)
		}
		name := names.Draw(t, "look up")
		all := want[strings.ToLower(name)]
		if got := joinLines(f.Append(nil, name)); got != strings.Join(all, "|") {
			t.Errorf("Append(%q) = %q, want %q in %q", name, got, all, block.String())
		}
		first := f.Get(name)
		if (first == nil) != (len(all) == 0) || first != nil && string(first) != all[0] {
			t.Errorf("Get(%q) = %q, want %q in %q", name, first, all, block.String())
		}
	})
}

// FuzzFields checks that an accepted block is exactly what its lines say.
func FuzzFields(f *testing.F) {
	for _, s := range []string{"", "\r\n", "A: b\r\n\r\n", "A: b\r\n c\r\n\r\n", "Host:h\r\nCookie: a=b; c\r\n\r\n", "A\x00: b\r\n", ":\r\n", "\n", "A:\t\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		var x fields
		before := bytes.Clone(block)
		why := x.parse(block)
		if !bytes.Equal(before, block) {
			t.Fatal("the block was changed")
		}
		if why != Accepted {
			return
		}
		n := bytes.Count(block, []byte("\n"))
		if bytes.HasSuffix(block, []byte("\r\n\r\n")) || string(block) == "\r\n" {
			n--
		}
		if len(x.lines) != n || len(x.lines) > maxFields {
			t.Fatalf("%d lines, want %d", len(x.lines), n)
		}
		for _, l := range x.lines {
			if !isToken(l.name) || bytes.ContainsAny(l.value, "\n") || l.value == nil {
				t.Fatalf("line %q: %q", l.name, l.value)
			}
			if got := x.Get(string(bytes.ToUpper(l.name))); got == nil {
				t.Fatalf("%q is not found", l.name)
			}
		}
	})
}

// FuzzCheckLine checks that nothing but the forms we answer gets through.
func FuzzCheckLine(f *testing.F) {
	f.Add("GET", "/", "HTTP/1.1")
	f.Add("get", "/#", "HTTP/1.2")
	f.Add("CONNECT", "h:1", "HTTP/1.0")
	f.Add("M-SEARCH", "*", "HTTP/1.0")
	f.Fuzz(func(t *testing.T, method, target, version string) {
		if checkLine([]byte(method), []byte(target), []byte(version)) != Accepted {
			return
		}
		if strings.Contains(target, "#") || len(version) != 8 || !strings.HasPrefix(version, "HTTP/1.") || version[7] < '0' || version[7] > '9' ||
			method == "" || method != strings.ToUpper(method) || method == "CONNECT" {
			t.Errorf("accepted %q %q %q", method, target, version)
		}
	})
}

// TestRefusalWords checks that every reason has a word of its own.
func TestRefusalWords(t *testing.T) {
	seen := map[string]bool{}
	for r := range Refusal(NumRefusals) {
		w := r.String()
		if w == "" || seen[w] || strings.ToLower(w) != w {
			t.Errorf("Refusal(%d) = %q", r, w)
		}
		seen[w] = true
		if s := r.status(); r != Accepted && (s < 400 || s > 431 && s != 505) {
			t.Errorf("%s: status %d", w, s)
		}
	}
}
