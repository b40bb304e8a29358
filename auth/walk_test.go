package auth_test

import (
	"net/netip"
	"testing"

	"edged/auth"
)

// Targets that are walked past Find and Verify as they come, not signed: what is in
// front of the signature has to take anything.

func FuzzKeyCDN(f *testing.F) {
	fuzz(f, compat(f, "keycdn"), []string{"token", "expire"}, "/a?token="+b64md5("/a"+plain+"1767226200")+"&expire=1767226200", "/a?token&expire", "/a?tok%65n=x&EXPIRE=1")
}

func FuzzGcore(f *testing.F) {
	s := compat(f, "gcore", func(o *auth.Options) { o.Gcore.Address = true })
	fuzz(f, s, []string{"md5", "expires"}, "/a?md5="+b64md5("1767226200/a"+request().Client.String()+" "+plain)+"&expires=1767226200", "/a?md5=&expires=", "/a?MD5=x")
}

func FuzzCDN77Query(f *testing.F) {
	fuzz(f, compat(f, "cdn77"), []string{"secure"}, "/a?secure="+b64md5("1767226200/a"+plain)+"==,1767226200", "/a?secure=,", "/a?secure=x,y,z", "/a?secure=%2C")
}

func FuzzEdgeAuthWalk(f *testing.F) {
	s := newScheme(f, "edgeauth", func(o *auth.Options) {
		o.EdgeAuth = auth.EdgeAuthOptions{Places: []string{"query", "cookie", "path"}, Salt: "s", Escape: "python", SignQuery: true}
	})
	fuzz(f, s, []string{"__token__"}, "/a?__token__="+edge(edgeExp+"~acl=/*"), "/__token__=exp=1~hmac=00/a", "/a?__token__=~hmac=", "/a?__token__=x", "/__token__=/__TOKEN__=/")
}

func FuzzCloudFrontWalk(f *testing.F) {
	s := newScheme(f, "cloudfront")
	fuzz(f, s, []string{"Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"},
		"/a?Expires=1767226200&Signature=AA__&Key-Pair-Id=rsa", "/a?Policy=e30_&Signature=AA__&Key-Pair-Id=ec&Hash-Algorithm=SHA256", "/a?expires&policy", "/a\"?Expires=1&Signature=A&Key-Pair-Id=rsa")
}

func FuzzCDNIWalk(f *testing.F) {
	s := newScheme(f, "cdni", func(o *auth.Options) { o.CDNI.Header = hsHeader })
	token := hsToken(cdniExp + "," + cdniAll)
	fuzz(f, s, []string{"URISigningPackage"}, "/a?URISigningPackage="+token, "/a;URISigningPackage="+token+";x/b", "/a?URISigningPackage=", "/a?URISigningPackage=a", "/a?URISigningPackage=.a.b", "/;URISigningPackage==")
}

func FuzzCATWalk(f *testing.F) {
	fuzz(f, newScheme(f, "cat"), []string{"cat"}, "/live/a.b?cat="+macCAT(f, enc(f, with(m{}))), "/a?cat=", "/a?cat=oA", "/a?CAT=2D3Rg0A", "/a?cat=2D3RhEChAQWg")
}

func FuzzECTWalk(f *testing.F) {
	fuzz(f, site(f), []string{"ect"}, "/ect="+sign("h1", "hm", goodPayload)+"/acme/vod/a", "/acme/vod/a?ect="+sign("d1", "ed", goodPayload), "/ect=/", "/a?ect=...", "/a?%65ct=h1.hm..")
}

// TestEverySchemeIsFuzzed: the walk of every scheme has seeds that end well, so that
// the targets above begin where the code is.
func TestEverySchemeIsFuzzed(t *testing.T) {
	client := netip.MustParseAddr("198.51.100.7")
	if request().Client != client {
		t.Fatalf("seeds are signed for %s", client)
	}
	for raw, s := range map[string]auth.Scheme{
		"/a?token=" + b64md5("/a"+plain+"1767226200") + "&expire=1767226200": compat(t, "keycdn"),
		"/a?md5=" + b64md5("1767226200/a198.51.100.7 "+plain) + "&expires=1767226200": compat(t, "gcore", func(o *auth.Options) {
			o.Gcore.Address = true
		}),
		"/a?secure=" + b64md5("1767226200/a"+plain) + "==,1767226200": compat(t, "cdn77"),
		"/ect=" + sign("h1", "hm", goodPayload) + "/acme/vod/a":       site(t),
		"/a?URISigningPackage=" + hsToken(cdniExp+","+cdniAll):        newScheme(t, "cdni"),
	} {
		if got := send(t, s, raw); got.word != "allowed" {
			t.Errorf("%s: %s is %s", s.Name(), raw, got.word)
		}
	}
}
