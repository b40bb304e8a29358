package auth_test

import (
	"net/netip"
	"testing"

	"edged/auth"
)

func bunnyMode(mode string, edit ...func(*auth.BunnyOptions)) func(*auth.Options) {
	return func(o *auth.Options) {
		o.Bunny.Mode = mode
		for _, e := range edit {
			e(&o.Bunny)
		}
	}
}

func bunnyIP(places ...string) func(*auth.BunnyOptions) {
	return func(b *auth.BunnyOptions) { b.Address, b.IPOrder = true, places }
}

const bunnyEnd = "1767226200"

func TestBunnyHS256(t *testing.T) {
	s := compat(t, "bunny")
	ip := "\xc6\x33\x64\x07"
	token := "HS256-" + b64hmac("/v/a b"+bunnyEnd+"a=1&b=2 3")
	got := send(t, s, "/v/a%20b?b=2+3&token="+token+"&expires="+bunnyEnd+"&a=1")
	if got.word != "allowed" || got.query != "b=2+3&a=1" || got.verdict.Expires != now+601 {
		t.Errorf("%+v, want it allowed", got)
	}
	scoped := "/bcdn_token=HS256-" + b64hmac("/v/"+bunnyEnd+"limit=800&token_path=/v/") + "&token_path=%2Fv%2F&limit=800&expires=" + bunnyEnd
	got = send(t, s, scoped+"/v/x/seg.ts?_HLS_msn=2")
	if got.word != "allowed" || got.path != "/v/x/seg.ts" || got.query != "_HLS_msn=2" || got.verdict.RateKBps != 800 {
		t.Errorf("%+v, want it allowed at 800 kB/s", got)
	}
	bound := func(path, token string) string { return path + "?token=HS256-1-" + token + "&expires=" + bunnyEnd }
	expect(t, s, [][2]string{
		{"bad_signature", "/v/a%20b?b=2+3&token=" + token + "&expires=" + bunnyEnd + "&a=2"},
		{"bad_signature", "/v/a%20b?b=2+3&token=" + token + "&expires=" + bunnyEnd + "&a=1&c=1"},
		{"duplicate", "/v/a%20b?b=2+3&token=" + token + "&expires=" + bunnyEnd + "&a=1&a=1"},
		{"out_of_scope", scoped + "/w/seg.ts"},
		{"dot_segment", scoped + "/v/../w/seg.ts"},
		{"two_places", scoped + "/v/seg.ts?token=x"},
		{"two_places", scoped + "/v/seg.ts?Limit=9"},
		{"duplicate", scoped + scoped + "/v/seg.ts"},
		{"malformed", "/B" + scoped[2:] + "/v/seg.ts"},
		{"allowed", bound("/a", b64hmac("/a"+bunnyEnd+ip))},
		{"bad_signature", bound("/a", b64hmac("/a"+bunnyEnd))},
		{"malformed", bound("/a", b64hmac("/a"+bunnyEnd)+"A")},
		{"malformed", "/a?token=" + b64hmac("/a"+bunnyEnd) + "&expires=" + bunnyEnd},
		{"unknown_claim", "/a?token=HS256-" + b64hmac("/a"+bunnyEnd+"token_referer=x") + "&token_referer=x&expires=" + bunnyEnd},
		{"long_time", "/a?token=HS256-" + b64hmac("/a17672262000000") + "&expires=17672262000000"},
		{"bad_claim", "/a?token=HS256-" + b64hmac("/a")},
		{"bad_claim", "/a?token=HS256-" + b64hmac("/a"+bunnyEnd+"limit=x") + "&limit=x&expires=" + bunnyEnd},
		{"malformed", "/a?token=HS256-" + b64hmac("/a"+bunnyEnd) + "&x=%zz&expires=" + bunnyEnd},
		{"missing", "/a?expires=" + bunnyEnd},
	})
	expect(t, s, [][2]string{{"bad_signature", bound("/a", b64hmac("/a"+bunnyEnd+ip))}}, from("198.51.100.8"))
	expect(t, s, [][2]string{{"address", bound("/a", b64hmac("/a"+bunnyEnd+ip))}}, func(_ *auth.Input, r *auth.Request) { r.Client = netip.Addr{} })
	six := b64hmac("/a" + bunnyEnd + "\x20\x01\x0d\xb8\x00\x01\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00")
	expect(t, s, [][2]string{{"allowed", bound("/a", six)}}, from("2001:db8:1:2::5"))
	expect(t, s, [][2]string{{"bad_signature", bound("/a", six)}}, from("2001:db8:1:3::5"))
}

func TestBunnyPrefix(t *testing.T) {
	s := compat(t, "bunny")
	query := "?token=HS256-" + b64hmac("/abc"+bunnyEnd+"token_path=/abc") + "&token_path=%2Fabc&expires=" + bunnyEnd
	expect(t, s, [][2]string{
		{"allowed", "/abc" + query},
		{"allowed", "/abc/d" + query},
		{"out_of_scope", "/abcd" + query},
		{"out_of_scope", "/ab" + query},
	})
}

func TestBunnyCountries(t *testing.T) {
	s := compat(t, "bunny")
	only := "/a?token=HS256-" + b64hmac("/a"+bunnyEnd+"token_countries=CA,US") + "&token_countries=CA%2CUS&expires=" + bunnyEnd
	not := "/a?token=HS256-" + b64hmac("/a"+bunnyEnd+"token_countries_blocked=CA") + "&token_countries_blocked=CA&expires=" + bunnyEnd
	ignored := "/a?token=HS256-" + b64hmac("/a"+bunnyEnd+"token_ignore_params=true") + "&token_ignore_params=true&expires=" + bunnyEnd + "&x=1"
	for country, want := range map[string][3]string{
		"US": {"allowed", "allowed", "allowed"}, "ca": {"allowed", "country", "allowed"},
		"DE": {"country", "allowed", "allowed"}, "": {"country", "country", "allowed"},
	} {
		in := func(_ *auth.Input, r *auth.Request) { r.Country = country }
		expect(t, s, [][2]string{{want[0], only}, {want[1], not}, {want[2], ignored}}, in)
	}
}

// Where the request does not say its country, the atlas is asked; spaces in a list are
// no part of a country.
func TestBunnyAsksTheAtlas(t *testing.T) {
	s := compat(t, "bunny")
	link := func(name string) string {
		return "/a?token=HS256-" + b64hmac("/a"+bunnyEnd+name+"=CA, US") + "&" + name + "=CA%2C%20US&expires=" + bunnyEnd
	}
	for country, want := range map[string][2]string{"US": {"allowed", "country"}, "DE": {"country", "allowed"}, "": {"country", "country"}} {
		in := func(_ *auth.Input, r *auth.Request) { r.Country, r.Atlas = "", oneCountry(country) }
		expect(t, s, [][2]string{{want[0], link("token_countries")}, {want[1], link("token_countries_blocked")}}, in)
	}
}

// oneCountry is the country of all addresses.
type oneCountry string

func (c oneCountry) Country(netip.Addr) string { return string(c) }
func (oneCountry) ASN(netip.Addr) uint32       { return 0 }

func TestBunnyLegacy(t *testing.T) {
	const ip = "198.51.100.7"
	md5, sha := auth.BunnyMD5, auth.BunnySHA256
	query := func(token string) string { return "/a?token=" + token + "&expires=" + bunnyEnd }
	tests := []struct {
		want, raw string
		edit      func(*auth.Options)
	}{
		{"allowed", query(b64md5(plain + "/a" + bunnyEnd)), bunnyMode(md5)},
		{"allowed", query(b64md5(plain+"/a"+bunnyEnd)) + "&x=1", bunnyMode(md5)},
		{"unknown_claim", query(b64md5(plain+"/a"+bunnyEnd)) + "&limit=1", bunnyMode(md5)},
		{"bad_signature", query(b64md5(plain + "/a" + bunnyEnd)), bunnyMode(md5, bunnyIP())},
		{"allowed", query(b64md5(plain + "/a" + bunnyEnd + ip)), bunnyMode(md5, bunnyIP())},
		{"allowed", query(b64sha256(plain + "/a" + bunnyEnd)), bunnyMode(sha)},
		{"allowed", query(b64sha256(plain+"/a"+bunnyEnd+"x=1")) + "&x=1", bunnyMode(sha)},
		{"bad_signature", query(b64sha256(plain+"/a"+bunnyEnd)) + "&x=1", bunnyMode(sha)},
		{"allowed", query(b64sha256(plain+"/a"+bunnyEnd+ip+"x=1")) + "&x=1", bunnyMode(sha, bunnyIP())},
		{"bad_signature", query(b64sha256(plain+"/a"+bunnyEnd+"x=1"+ip)) + "&x=1", bunnyMode(sha, bunnyIP())},
		{"allowed", query(b64sha256(plain+"/a"+bunnyEnd+"x=1"+ip)) + "&x=1", bunnyMode(sha, bunnyIP("middle", "last"))},
		{"allowed", query(b64sha256(plain + "/a" + ip + bunnyEnd)), bunnyMode(sha, bunnyIP("first"))},
		{"allowed", query("HS256-" + b64hmac("/a"+bunnyEnd+ip)), bunnyMode("", bunnyIP())},
		{"bad_signature", query("HS256-" + b64hmac("/a"+bunnyEnd)), bunnyMode("", bunnyIP())},
		{"malformed", query(b64md5(plain + "/a" + bunnyEnd)), bunnyMode(sha)},
	}
	for _, tt := range tests {
		if got := send(t, compat(t, "bunny", tt.edit), tt.raw); got.word != tt.want {
			t.Errorf("%s: %s, want %s", tt.raw, got.word, tt.want)
		}
	}
}

func FuzzBunny(f *testing.F) {
	fuzz(f, compat(f, "bunny"), []string{"token", "expires", "token_path", "limit", "token_ignore_params"},
		"/bcdn_token=HS256-"+b64hmac("/v/1767226200token_path=/v/")+"&token_path=%2Fv%2F&expires=1767226200/v/x",
		"/a?token=HS256-"+b64hmac("/a1767226200")+"&expires=1767226200", "/a?token_ignore_params=true&token=x")
}
