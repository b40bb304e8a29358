package target_test

import (
	"fmt"
	"strings"
	"testing"

	"edged/internal/target"
)

func TestParams(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"", ""},
		{"a", "a[nil]"},
		{"a=", "a[]"},
		{"a=b", "a[b]"},
		{"a=b=c", "a[b=c]"},
		{"=b", "[b]"},
		{"a=1&b=2", "a[1] b[2]"},
		{"a=1&a=2&A=3", "a[1] a[2] A[3]"},
		{"&", "[nil] [nil]"},
		{"a=1&&b", "a[1] [nil] b[nil]"},
		{"a=1;b=2&c", "a[1;b=2] c[nil]"}, // ';' is data
		{"%61=%26&b=%3D", "%61[%26] b[%3D]"},
		{"a=%zz", "a[%zz]"},
	} {
		t.Run(c.query, func(t *testing.T) {
			var got []string
			for name, value := range target.Params([]byte(c.query)) {
				text := "nil"
				if value != nil {
					text = string(value)
				}
				got = append(got, fmt.Sprintf("%s[%s]", name, text))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("Params(%q): got %s, want %s", c.query, s, c.want)
			}
		})
	}
}

func TestParamsStopsAndRestarts(t *testing.T) {
	pairs := target.Params([]byte("a=1&b=2"))
	for range 2 {
		for name, value := range pairs {
			if string(name)+string(value) != "a1" {
				t.Errorf("first pair is %s=%s, want a=1", name, value)
			}
			break
		}
	}
}

func TestQueryPolicy(t *testing.T) {
	all := target.QueryPolicy{}
	none := target.QueryPolicy{Mode: target.None}
	allow := target.QueryPolicy{Mode: target.Allow, Names: []string{"id", "v"}}
	deny := target.QueryPolicy{Mode: target.Deny, Names: []string{"utm", "ref"}}
	token := target.QueryPolicy{Drop: []string{"ect", "Token"}}
	sorted := target.QueryPolicy{Sort: true, Drop: []string{"ect"}}
	for _, c := range []struct {
		name        string
		policy      target.QueryPolicy
		query, want string
	}{
		{"all, empty", all, "", ""},
		{"all, as sent", all, "b=2&a=1&&c;d=%zz&=&e=", "b=2&a=1&&c;d=%zz&=&e="},
		{"all, CMCD alone", all, "CMCD=bl%3D100", ""},
		{"all, CMCD first", all, "CMCD=bl%3D100&a=1", "a=1"},
		{"all, CMCD last", all, "a=1&CMCD=bl%3D100", "a=1"},
		{"all, CMCD between", all, "b=2&CMCD=bl%3D100&a=1", "b=2&a=1"},
		{"all, CMCD in any case", all, "cmcd=x&Cmcd=y&a=1&%43%4dCD=z&CMCD", "a=1"},
		{"all, only that name", all, "CMCDx=1&xCMCD=2&CMC=3", "CMCDx=1&xCMCD=2&CMC=3"},
		{"all, empty pairs survive", all, "CMCD=x&&a", "&a"},
		{"all, low latency", all, "CMCD=x&_HLS_msn=4&_HLS_part=2&_HLS_skip=YES", "_HLS_msn=4&_HLS_part=2&_HLS_skip=YES"},
		{"none", none, "a=1&b", ""},
		{"none, low latency stays", none, "a=1&_HLS_msn=4&b=2&_HLS_part=1", "_HLS_msn=4&_HLS_part=1"},
		{"none, low latency escaped", none, "%5FHLS_msn=4", "%5FHLS_msn=4"},
		{"none, near misses", none, "_HLS_msnx=4&_hls_msn=4&HLS_msn=4&_HLS_=1", ""},
		{"allow", allow, "x=1&v=2&id=3&ID=4&idx=5", "v=2&id=3"},
		{"allow, spelled otherwise", allow, "%69d=3", "%69d=3"},
		{"allow, CMCD never", target.QueryPolicy{Mode: target.Allow, Names: []string{"CMCD"}}, "CMCD=1", ""},
		{"allow, low latency stays", allow, "_HLS_skip=v2&x", "_HLS_skip=v2"},
		{"deny", deny, "utm=1&a=2&ref&UTM=3", "a=2&UTM=3"},
		{"deny, spelled otherwise", deny, "%75tm=1&a=2", "a=2"},
		{"deny, low latency stays", target.QueryPolicy{Mode: target.Deny, Names: []string{"_HLS_msn"}}, "_HLS_msn=1", "_HLS_msn=1"},
		{"token", token, "ect=h1.a.b.c&x=1", "x=1"},
		{"token in any case", token, "ECT=1&eCt=2&token=3&TOKEN=4&x=1", "x=1"},
		{"token escaped", token, "%65ct=1&e%43t=2&x=1", "x=1"},
		{"token without value", token, "ect&x=1", "x=1"},
		{"token is one name", token, "ect2=1&xect=2&x=ect=3", "ect2=1&xect=2&x=ect=3"},
		{"';' does not hide or cut", token, "x=1;ect=2&ect;=3", "x=1;ect=2&ect;=3"},
		{"bad escape is literal", token, "%6=1&%zzect=2&ect%=3", "%6=1&%zzect=2&ect%=3"},
		{"dropping beats keeping", target.QueryPolicy{Drop: []string{"_hls_msn"}}, "_HLS_msn=1&_HLS_part=2", "_HLS_part=2"},
		{"sorted", sorted, "c=3&a=1&b=2", "a=1&b=2&c=3"},
		{"sorted, stable", sorted, "b=2&a=z&a=y&a", "a=z&a=y&a&b=2"},
		{"sorted, dropping", sorted, "c&ect=1&b&CMCD=2&a", "a&b&c"},
		{"sorted, no empty pairs", sorted, "&b&&a&", "a&b"},
		{"sorted, prefix first", sorted, "ab=1&a=2", "a=2&ab=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			query := []byte(c.query)
			got := c.policy.Append([]byte("?"), query)
			if string(got) != "?"+c.want {
				t.Errorf("Append(%q) = %q, want %q", c.query, got[1:], c.want)
			}
			if string(query) != c.query {
				t.Errorf("input was changed to %q", query)
			}
			if again := c.policy.Append(nil, got[1:]); string(again) != c.want {
				t.Errorf("Append(%q) = %q, want a fixed point", got[1:], again)
			}
		})
	}
}

// TestQuerySortManyPairs goes past the room that sorting has on the stack.
func TestQuerySortManyPairs(t *testing.T) {
	var sent, want []string
	for i := range 500 {
		want = append(want, fmt.Sprintf("n%03d=x", i))
		sent = append(sent, fmt.Sprintf("n%03d=x", (i*7)%500))
	}
	p := target.QueryPolicy{Sort: true}
	got := p.Append(nil, []byte(strings.Join(sent, "&")))
	if string(got) != strings.Join(want, "&") {
		t.Errorf("500 pairs are not in order: %s", got)
	}
}
