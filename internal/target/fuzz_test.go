package target_test

import (
	"bytes"
	"testing"

	"edged/internal/target"
)

func FuzzCanonical(f *testing.F) {
	for _, c := range canonicalRefusals {
		f.Add([]byte(c.path))
	}
	for _, s := range []string{"/", "/a/b.m4s", "/caf%C3%A9/", "/a%25zz", "/a;x/b", `/"<>^`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkCanonical(t, string(raw))
	})
}

func FuzzSplit(f *testing.F) {
	for _, c := range splitRefusals {
		f.Add([]byte(c.raw))
	}
	f.Add([]byte("/a?b=c"))
	f.Add([]byte("https://Example.net:443/a?b"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		authority, path, query, why := target.Split(raw)
		if why != target.OK {
			return
		}
		if len(path) == 0 || path[0] != '/' || bytes.ContainsAny(path, "?#") {
			t.Fatalf("Split(%q): path %q", raw, path)
		}
		// The parts put together are the target again: nothing is lost or moved.
		whole := append([]byte(nil), path...)
		if query != nil {
			whole = append(append(whole, '?'), query...)
		}
		if authority != nil {
			scheme, _, _ := bytes.Cut(raw, []byte("://"))
			whole = append(append(append(append([]byte(nil), scheme...), "://"...), authority...), whole...)
		}
		if !bytes.Equal(whole, raw) {
			t.Fatalf("Split(%q) = %q, %q, %q, which is %q", raw, authority, path, query, whole)
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, c := range hostRefusals {
		f.Add([]byte(c.raw))
	}
	f.Add([]byte("Example.NET.:443"))
	f.Add([]byte("[2001:DB8::1]:443"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		host, _, why := target.Host(raw, nil)
		if why != target.OK {
			return
		}
		if len(host) == 0 || bytes.ContainsAny(host, "/\\@?#% ") || !bytes.Equal(bytes.ToLower(host), host) {
			t.Fatalf("Host(%q) = %q", raw, host)
		}
		if again, _, why := target.Host(host, nil); why != target.OK || !bytes.Equal(again, host) {
			t.Fatalf("Host(%q) = %q, then %q, %v", raw, host, again, why)
		}
	})
}

func FuzzQueryPolicy(f *testing.F) {
	f.Add([]byte("a=1&CMCD=x&_HLS_msn=4&&ect=t"), uint8(0), false)
	f.Add([]byte("%65ct=1&b;c=2&="), uint8(2), true)
	f.Add([]byte("&&%&a=%"), uint8(3), true)
	f.Fuzz(func(t *testing.T, query []byte, mode uint8, sort bool) {
		p := target.QueryPolicy{Mode: target.Mode(mode % 4), Names: []string{"a"}, Sort: sort, Drop: []string{"ect"}}
		kept := p.Append(nil, query)
		if len(kept) > len(query) {
			t.Fatalf("Append(%q) = %q is longer", query, kept)
		}
		if again := p.Append(nil, kept); !bytes.Equal(again, kept) {
			t.Fatalf("Append(%q) = %q, then %q", query, kept, again)
		}
		var joined []byte
		for name, value := range target.Params(query) {
			joined = append(append(joined, '&'), name...)
			if value != nil {
				joined = append(append(joined, '='), value...)
			}
		}
		if len(query) > 0 && !bytes.Equal(joined[1:], query) {
			t.Fatalf("the pairs of %q are %q", query, joined)
		}
	})
}
