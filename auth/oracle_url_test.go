package auth_test

import (
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"edged/auth"
)

// The schemes here cover URLs, or parts of them.

// TestCloudFrontGrants: wildcards stay inside protocol, host, path and query, but a '*'
// at the end of the path takes any query, and one at the end of the host takes all.
func TestCloudFrontGrants(t *testing.T) {
	s := newScheme(t, "cloudfront")
	rapid.Check(t, func(rt *rapid.T) {
		v := drawViewer(rt)
		protocol := rapid.SampledFrom([]string{"https", "http", "http*", "*"}).Draw(rt, "protocol")
		host := rapid.SampledFrom([]string{"cdn.example.com", "CDN.*.com", "cdn.*", "*", "*.example.org"}).Draw(rt, "host")
		path := rapid.OneOf(rapid.Custom(func(rt *rapid.T) string { return drawGlob(rt, &v) }), rapid.Just("/*"), rapid.Just("")).Draw(rt, "resource")
		wantQuery := rapid.SampledFrom([]string{"", `\?x=1`, `\?x=?`, `\?*`}).Draw(rt, "wanted query")
		query := rapid.SampledFrom([]string{"", "x=1", "x=12", "y=/"}).Draw(rt, "query")
		until, after := rapid.SampledFrom(oracleEnds).Draw(rt, "until"), rapid.SampledFrom([]int64{now - 2, now - 1, now}).Draw(rt, "after")
		network := rapid.SampledFrom([]string{"198.51.100.0/24", "198.51.100.7", "0.0.0.0/0"}).Draw(rt, "network")
		policy := fmt.Sprintf(`{"Statement":[{"Resource":%s,"Condition":{"DateGreaterThan":{"AWS:EpochTime":%d},"DateLessThan":{"AWS:EpochTime":%d},"IpAddress":{"AWS:SourceIp":"%s"}}}]}`,
			quote(t, protocol+"://"+host+path+wantQuery), after, until, network)

		near := globOf(protocol).MatchString("https") && globOf(strings.ToLower(host)).MatchString("cdn.example.com")
		switch {
		case path == "" && wantQuery == "" && strings.HasSuffix(host, "*"):
		case path == "":
			near = false // the root, which is never drawn
		default:
			near = near && globOf(path).MatchString(encoded(v.decoded))
			if wantQuery != "" {
				near = near && globOf(wantQuery[2:]).MatchString(query)
			} else {
				near = near && (query == "" || strings.HasSuffix(path, "*"))
			}
		}
		client := v.client.Unmap().String()
		inside := network == "0.0.0.0/0" || client == "198.51.100.7" || client == "198.51.100.8" && network == "198.51.100.0/24"
		want := first(
			fault{v.second >= until, auth.Expired}, fault{v.second <= after, auth.NotYet}, fault{until-v.second > 86400, auth.TooLong},
			fault{!near, auth.OutOfScope}, fault{!inside, auth.Address})
		raw := v.raw + "?" + strings.TrimPrefix(query+"&"+custom(t, policy), "&")
		if got := send(t, s, raw, v.request); got.word != want {
			rt.Fatalf("%s for %s ? %s at %d from %s: %s, want %s", policy, v.raw, query, v.second, v.client, got.word, want)
		}
	})
}

// chosen are the parts of a URL that P picks: its last digit repeats.
func chosen(digits, host, path string) (list []string) {
	for i, part := range append([]string{host}, strings.Split(path[1:], "/")...) {
		if digits[min(i, len(digits)-1)] == '1' {
			list = append(list, part)
		}
	}
	return list
}

// TestURLSigGrants: parts of the path as the client spells it, in the query and in the
// path.
func TestURLSigGrants(t *testing.T) {
	s := compat(t, "url-sig", urlSigKeys)
	rapid.Check(t, func(rt *rapid.T) {
		v := drawViewer(rt)
		if rapid.Bool().Draw(rt, "plain") {
			v.raw = encoded(v.decoded)
		}
		digits := rapid.StringMatching(`1|[01]{1,4}`).Draw(rt, "P")
		exp, signed := rapid.SampledFrom(oracleEnds).Draw(rt, "exp"), encoded(drawNear(rt, &v, "signed"))
		fields := fmt.Sprintf("E=%d&A=1&K=3&P=%s&S=", exp, digits)
		parts, own := chosen(digits, "cdn.example.com", signed), chosen(digits, "cdn.example.com", v.raw)
		scoped := len(own) > 1 || len(own) == 1 && digits[0] == '0'
		want := first(
			fault{!scoped, auth.OutOfScope}, fault{!slices.Equal(parts, own), auth.BadSignature},
			fault{v.second > exp, auth.Expired}, fault{exp-v.second > 86400, auth.TooLong})
		raw := v.raw + "?q=1&" + fields + hexHMAC(sha1.New, plain, strings.Join(parts, "/")+"?q=1&"+fields)
		if got := send(t, s, raw, v.request); got.word != want {
			rt.Fatalf("P=%s over %q, for %s at %d: %s, want %s", digits, parts, v.raw, v.second, got.word, want)
		}
		fields = strings.ReplaceAll("&"+fields, "&", ";")
		token := ";sig=" + b64text(fields+hexHMAC(sha1.New, plain, strings.Join(parts, "/")+fields))
		if got := send(t, s, v.raw+token+"/below/it.ts", v.request); got.word != want {
			rt.Fatalf("P=%s over %q in the path, for %s at %d: %s, want %s", digits, parts, v.raw, v.second, got.word, want)
		}
	})
}

// TestCDNIGrants: one URI by its hash, whatever the spelling, and URIs by an expression
// that must match all of them.
func TestCDNIGrants(t *testing.T) {
	s := newScheme(t, "cdni")
	rapid.Check(t, func(rt *rapid.T) {
		v := drawViewer(rt)
		// Of reserved characters both spellings are normal, and different.
		v.raw = strings.NewReplacer("%3b", ";", "%3B", ";", "%3d", "=", "%3D", "=").Replace(v.raw)
		query := rapid.SampledFrom([]string{"", "x=1", "x=%31"}).Draw(rt, "query")
		exp, nbf := rapid.SampledFrom(oracleEnds).Draw(rt, "exp"), rapid.SampledFrom([]int64{1, now, now + 1}).Draw(rt, "nbf")
		signed := "https://cdn.example.com" + encoded(drawNear(rt, &v, "signed"))
		uri := "https://cdn.example.com" + encoded(v.decoded)
		if query != "" {
			uri += "?x=1"
		}
		sum := sha256.Sum256([]byte(signed))
		container, near := "hash:sha-256;"+b64.EncodeToString(sum[:]), uri == signed
		if rapid.Bool().Draw(rt, "expression") {
			escape := strings.NewReplacer(".", `[.]`)
			container, near = "regex:"+escape.Replace(signed)+"(/[^?]*)?", uri == signed || strings.HasPrefix(uri, signed+"/") && query == ""
		}
		want := first(
			fault{v.second >= exp, auth.Expired}, fault{v.second < nbf, auth.NotYet}, fault{exp-v.second > 86400, auth.TooLong}, fault{!near, auth.OutOfScope})
		token := "URISigningPackage=" + hsToken(fmt.Sprintf(`"exp":%d,"nbf":%d,"cdniuc":%s`, exp, nbf, quote(t, container)))
		for _, raw := range []string{
			v.raw + "?" + strings.TrimPrefix(query+"&"+token, "&"),
			strings.TrimSuffix("/"+token+v.raw+"?"+query, "?"),
			strings.TrimSuffix(v.raw+";"+token+"?"+query, "?"),
		} {
			if got := send(t, s, raw, v.request); got.word != want {
				rt.Fatalf("%s for %s ? %s at %d: %s, want %s", container, v.raw, query, v.second, got.word, want)
			}
		}
	})
}
