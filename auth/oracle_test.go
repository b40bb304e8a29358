package auth_test

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"edged/auth"
)

// The properties here hold verifiers against what their schemes' documents say a token
// grants, computed in another way: grants are sets that are asked, not texts that are
// signed again.

// viewer is a request drawn at random: a path in one of its many spellings, a moment
// around the bounds of tokens, and a client.
type viewer struct {
	decoded, raw string
	second       int64
	client       netip.Addr
}

var (
	oracleSegments = []string{"a", "ab", "a.ts", "é", "x y", "A", "~b", ".mpd", "c;v=1"}
	oracleClients  = []string{"198.51.100.7", "198.51.100.8", "203.0.113.1", "2001:db8:1:2::7", "2001:db8:1:2:ffff::7", "2001:db8:1:3::7", "::ffff:198.51.100.7"}
	oracleMoments  = []int64{now, now + 1, now + 599, now + 600, now + 601, now - 1}
	oracleEnds     = []int64{now + 600, now + 599, now + 601, now + 86400, now + 1, now}
)

func drawPath(rt *rapid.T, label string) string {
	return "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(oracleSegments), 1, 3).Draw(rt, label), "/")
}

// drawNear returns a path that a token may be for: that of the viewer, one above it, or
// any.
func drawNear(rt *rapid.T, v *viewer, label string) string {
	switch rapid.IntRange(0, 3).Draw(rt, label+" is") {
	case 0, 1:
		return v.decoded
	case 2:
		parts := strings.Split(v.decoded, "/")
		return strings.Join(parts[:rapid.IntRange(2, len(parts)).Draw(rt, "levels")], "/")
	}
	return drawPath(rt, label)
}

func drawViewer(rt *rapid.T) viewer {
	v := viewer{
		decoded: drawPath(rt, "path"),
		second:  rapid.SampledFrom(oracleMoments).Draw(rt, "second"),
		client:  netip.MustParseAddr(rapid.SampledFrom(oracleClients).Draw(rt, "client")),
	}
	v.raw = spell(rt, v.decoded)
	return v
}

// spell writes a path the way a client may: what needs no escape may have one.
func spell(rt *rapid.T, decoded string) string {
	var b strings.Builder
	for i := range len(decoded) {
		c := decoded[i]
		plain := c > ' ' && c < 0x7F
		switch how := rapid.IntRange(0, 9).Draw(rt, "spelling"); {
		case c == '/' || plain && how > 1:
			b.WriteByte(c)
		case how%2 == 0:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func (v *viewer) request(_ *auth.Input, r *auth.Request) { r.Now, r.Client = v.second, v.client }

// fault is one reason for which a grant does not hold.
type fault struct {
	holds bool
	why   auth.Reason
}

// first returns the word for the first fault that holds.
func first(faults ...fault) string {
	for _, f := range faults {
		if f.holds {
			return f.why.String()
		}
	}
	return auth.Allowed.String()
}

// encoded is the one escaped form of a path, by another encoder than ours. It leaves
// alone what RFC 3986 §3.3 allows in a segment.
func encoded(decoded string) string {
	u := url.URL{Path: decoded}
	return u.EscapedPath()
}

// globOf translates a glob by way of a regular expression.
func globOf(glob string) *regexp.Regexp {
	q := regexp.QuoteMeta(glob)
	return regexp.MustCompile("(?s)^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(q) + "$")
}

// drawGlob makes a glob of a path: some of its bytes become wildcards.
func drawGlob(rt *rapid.T, v *viewer) string {
	path := encoded(drawNear(rt, v, "glob"))
	from := rapid.IntRange(1, len(path)).Draw(rt, "from")
	to := rapid.IntRange(from, len(path)).Draw(rt, "to")
	if strings.ContainsRune(path[max(0, from-2):], '%') {
		from, to = len(path), len(path) // not into an escape
	}
	return path[:from] + rapid.SampledFrom([]string{"*", "", "?", "/*", "**"}).Draw(rt, "wild") + path[to:]
}

// TestEdgeAuthGrants: globs over the escaped path, times with their last and first
// second, and one address however it is written.
func TestEdgeAuthGrants(t *testing.T) {
	s := compat(t, "edgeauth")
	rapid.Check(t, func(rt *rapid.T) {
		v := drawViewer(rt)
		globs := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string { return drawGlob(rt, &v) }), 1, 3).Draw(rt, "globs")
		exp := rapid.SampledFrom(oracleEnds).Draw(rt, "exp")
		st := rapid.SampledFrom([]int64{1, now, now + 1, now + 600}).Draw(rt, "st")
		ip := rapid.SampledFrom(append([]string{""}, oracleClients...)).Draw(rt, "ip")
		fields := fmt.Sprintf("st=%d~exp=%d~acl=%s~id=s!~data=x=y", st, exp, strings.ReplaceAll(strings.Join(globs, "!"), "~", "%7E"))
		if ip != "" {
			fields = "ip=" + ip + "~" + fields
		}
		covers := slices.ContainsFunc(globs, func(g string) bool { return globOf(g).MatchString(encoded(v.decoded)) })
		want := first(
			fault{v.second > exp, auth.Expired}, fault{v.second < st, auth.NotYet}, fault{exp-v.second > 86400, auth.TooLong},
			fault{!covers, auth.OutOfScope}, fault{ip != "" && netip.MustParseAddr(ip).Unmap() != v.client.Unmap(), auth.Address})
		token := edgeToken(sha256.New, []byte(plain), fields, "")
		if got := send(t, s, v.raw+"?__token__="+token, v.request); got.word != want {
			rt.Fatalf("%s for %s at %d from %s: %s, want %s", fields, v.raw, v.second, v.client, got.word, want)
		}
		i := rapid.IntRange(0, len(token)-1).Draw(rt, "tampered")
		if token[i] != 'X' {
			if got := send(t, s, v.raw+"?__token__="+token[:i]+"X"+token[i+1:], v.request); got.word == "allowed" {
				rt.Fatalf("%s is allowed with an X at %d", token, i)
			}
		}
	})
}

// TestBunnyGrants: a path or a directory with its boundary, the address or its /64 in
// the MAC, countries, and parameters in any order.
func TestBunnyGrants(t *testing.T) {
	s := compat(t, "bunny")
	rapid.Check(t, func(rt *rapid.T) {
		v := drawViewer(rt)
		exp := rapid.SampledFrom(oracleEnds).Draw(rt, "exp")
		params := map[string]string{}
		signed := drawNear(rt, &v, "signed")
		directory := rapid.Bool().Draw(rt, "directory")
		if directory {
			signed += rapid.SampledFrom([]string{"", "/"}).Draw(rt, "slash")
			params["token_path"] = signed
		}
		if rapid.Bool().Draw(rt, "countries") {
			params["token_countries"] = "NL,DE"
		}
		if rapid.Bool().Draw(rt, "blocked") {
			params["token_countries_blocked"] = "DE"
		}
		if rapid.Bool().Draw(rt, "more") {
			params["q"] = "é &=+1"
		}
		var pairs, raw []string
		for name, value := range params {
			pairs, raw = append(pairs, name+"="+value), append(raw, name+"="+url.QueryEscape(value))
		}
		slices.Sort(pairs)
		bound, prefix, address := rapid.SampledFrom(append([]string{""}, oracleClients...)).Draw(rt, "bound"), "HS256-", ""
		if bound != "" {
			a := netip.MustParseAddr(bound).Unmap()
			address, prefix = string(a.AsSlice()), "HS256-1-"
			if a.Is6() {
				address = address[:8] + strings.Repeat("\x00", 8)
			}
		}
		token := prefix + b64hmac(signed+fmt.Sprint(exp)+address+strings.Join(pairs, "&"))
		raw = append(raw, "token="+token, fmt.Sprintf("expires=%d", exp))
		raw = rapid.Permutation(raw).Draw(rt, "order")
		country := rapid.SampledFrom([]string{"", "NL", "DE", "FR"}).Draw(rt, "country")

		_, listed := params["token_countries"]
		_, blocked := params["token_countries_blocked"]
		dir := strings.TrimSuffix(signed, "/")
		near := v.decoded == signed
		if directory {
			near = strings.HasPrefix(v.decoded, dir+"/") || v.decoded == dir && dir == signed
		}
		same := bound == "" || sameNetwork(netip.MustParseAddr(bound).Unmap(), v.client.Unmap())
		want := first(
			fault{!same || !directory && !near, auth.BadSignature}, fault{v.second > exp, auth.Expired}, fault{exp-v.second > 86400, auth.TooLong},
			fault{!near, auth.OutOfScope}, fault{listed && country != "NL" && country != "DE", auth.Country}, fault{blocked && (country == "DE" || country == ""), auth.Country})
		in := func(in *auth.Input, r *auth.Request) { v.request(in, r); r.Country = country }
		if got := send(t, s, v.raw+"?"+strings.Join(raw, "&"), in); got.word != want {
			rt.Fatalf("%s of %v for %s at %d from %s in %q: %s, want %s", signed, raw, v.raw, v.second, v.client, country, got.word, want)
		}
	})
}

// sameNetwork compares addresses of version 4, or the first 64 bits.
func sameNetwork(a, b netip.Addr) bool {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(a, bits).Contains(b)
}

// TestSecureLinkGrants: one path, one expiry and one address.
func TestSecureLinkGrants(t *testing.T) {
	s := compat(t, "secure-link", linkOptions("$arg_md5,$arg_e", "$secure_link_expires$uri$remote_addr $secret", ""))
	rapid.Check(t, func(rt *rapid.T) {
		v := drawViewer(rt)
		path, exp := drawNear(rt, &v, "signed"), rapid.SampledFrom(oracleEnds).Draw(rt, "exp")
		ip := netip.MustParseAddr(rapid.SampledFrom(oracleClients).Draw(rt, "ip")).Unmap()
		query := fmt.Sprintf("e=%d&md5=%s%s", exp, b64md5(fmt.Sprint(exp)+path+ip.String()+" "+plain), rapid.SampledFrom([]string{"", "=="}).Draw(rt, "padding"))
		want := first(fault{path != v.decoded || ip != v.client.Unmap(), auth.BadSignature}, fault{v.second > exp, auth.Expired}, fault{exp-v.second > 86400, auth.TooLong})
		if got := send(t, s, v.raw+"?"+query, v.request); got.word != want {
			rt.Fatalf("%s for %s until %d, at %s at %d from %s: %s, want %s", path, ip, exp, v.raw, v.second, v.client, got.word, want)
		}
	})
}

// TestECTGrants: files, directories with their boundary, networks, and times with
// leeway.
func TestECTGrants(t *testing.T) {
	s := site(t)
	networks := []string{"198.51.100.0/24", "198.51.100.8/32", "2001:db8:1:2::/64", "::/0", "0.0.0.0/0"}
	rapid.Check(t, func(rt *rapid.T) {
		v := drawViewer(rt)
		exp, nbf := rapid.SampledFrom(oracleEnds).Draw(rt, "exp"), rapid.SampledFrom([]int64{now, now + 29, now + 30, now + 31}).Draw(rt, "nbf")
		scopes := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string {
			return drawNear(rt, &v, "scope") + rapid.SampledFrom([]string{"", "/"}).Draw(rt, "slash")
		}), 1, 4).Draw(rt, "scopes")
		allowed := rapid.SliceOfN(rapid.SampledFrom(networks), 0, 4).Draw(rt, "networks")
		payload := fmt.Sprintf("exp=%d\nnbf=%d\np=%s\n", exp, nbf, strings.Join(scopes, "\np="))
		for _, n := range allowed {
			payload += "ip=" + n + "\n"
		}
		near := slices.ContainsFunc(scopes, func(p string) bool {
			return p == v.decoded || strings.HasSuffix(p, "/") && strings.HasPrefix(v.decoded, p)
		})
		inside := len(allowed) == 0 || slices.ContainsFunc(allowed, func(n string) bool {
			return netip.MustParsePrefix(n).Contains(v.client.Unmap())
		})
		want := first(
			fault{v.second >= exp, auth.Expired}, fault{nbf > v.second+30, auth.NotYet}, fault{exp-v.second > 86400, auth.TooLong},
			fault{!near, auth.OutOfScope}, fault{!inside, auth.Address})
		token := sign("h1", "hm", payload)
		for _, raw := range []string{v.raw + "?ect=" + token, "/ect=" + token + v.raw} {
			if got := send(t, s, raw, v.request); got.word != want {
				rt.Fatalf("%q for %s at %d from %s: %s, want %s", payload, v.raw, v.second, v.client, got.word, want)
			}
		}
	})
}

// TestMediaCDNGrants: globs, a prefix of whole segments, or the path itself; times and
// networks.
func TestMediaCDNGrants(t *testing.T) {
	s := compat(t, "media-cdn", mediaKeys)
	rapid.Check(t, func(rt *rapid.T) {
		v := drawViewer(rt)
		v.raw = encoded(v.decoded)
		exp, starts := rapid.SampledFrom(oracleEnds).Draw(rt, "exp"), rapid.SampledFrom([]int64{now, now + 1}).Draw(rt, "starts")
		scope, near := drawNear(rt, &v, "scope"), false
		var carried, signed string
		switch rapid.IntRange(0, 2).Draw(rt, "kind") {
		case 0:
			carried, signed, near = "FullPath", "FullPath="+encoded(scope), scope == v.decoded
		case 1:
			carried = "URLPrefix=" + b64text("https://cdn.example.com"+encoded(scope))
			signed, near = carried, v.decoded == scope || strings.HasPrefix(v.decoded, scope+"/")
		default:
			glob := strings.ReplaceAll(scope, "~", "%7e") // a field ends at a '~'
			if rapid.Bool().Draw(rt, "escaped") {
				glob = strings.ReplaceAll(encoded(scope), "~", "%7E")
			}
			carried = "PathGlobs=" + glob + "/*," + glob
			signed, near = carried, v.decoded == scope || strings.HasPrefix(v.decoded, scope+"/")
		}
		network := rapid.SampledFrom([]string{"198.51.100.0/24", "2001:db8:1:2::/64", "203.0.113.1/32,2001:db8::/32"}).Draw(rt, "network")
		rest := fmt.Sprintf("~Starts=%d~Expires=%d~IPRanges=%s", starts, exp, b64text(network))
		inside := slices.ContainsFunc(strings.Split(network, ","), func(n string) bool { return netip.MustParsePrefix(n).Contains(v.client.Unmap()) })
		want := first(
			fault{carried == "FullPath" && !near, auth.BadSignature},
			fault{v.second >= exp, auth.Expired}, fault{v.second < starts, auth.NotYet}, fault{exp-v.second > 86400, auth.TooLong},
			fault{!near, auth.OutOfScope}, fault{!inside, auth.Address})
		token := mediaToken(carried+rest, signed+rest)
		if strings.ContainsAny(token, " é") || rapid.Bool().Draw(rt, "escaped again") {
			token = url.PathEscape(token)
		}
		query := auth.DefaultMediaCDNParam + "=" + token
		if got := send(t, s, v.raw+"?"+query, v.request); got.word != want {
			rt.Fatalf("%s for %s at %d from %s: %s, want %s", carried+rest, v.raw, v.second, v.client, got.word, want)
		}
	})
}
