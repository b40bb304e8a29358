package rfc9111

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"edged/cache/object"
)

func TestStripStored(t *testing.T) {
	cases := []struct {
		name       string
		h, dropped object.Header
	}{
		{"3.1 connection-specific", header("A: 1"), header("Connection: close", "Keep-Alive: x", "TE: x", "Trailer: x",
			"Transfer-Encoding: chunked", "Upgrade: h2c", "Proxy-Connection: x")},
		{"3.1 listed in Connection", header("c: 3"), header("Connection: A , b", "connection: D", "a: 1", "B: 2", "d: 4")},
		{
			"3.1 of the proxy", header("Proxy-Status: x", "Cache-Status: x"),
			header("Proxy-Authenticate: x", "Proxy-Authentication-Info: x", "Proxy-Authorization: x", "PROXY-Other: x"),
		},
		{"3.1 all else", header("Cache-Control: max-age=1", "Content-Range: x", "Content-MD5: x", "Clear-Site-Data: x",
			"Content-Security-Policy: x", "Expires: 0", "X-Frame-Options: deny", "Date: @0", "CDN-Cache-Control: max-age=2"), nil},
		{"5.1 Age", header("A: 1"), header("Age: 3", "Content-Length: 5")},
		{"7.3 Set-Cookie", header("A: 1"), header("Set-Cookie: a=b", "set-cookie: c=d", "Set-Cookie2: x")},
		{"edge's own", header("A: 1"), header("Access-Control-Allow-Origin: *", "access-control-max-age: 1", "Alt-Svc: x")},
		{"5.2.2.7 listed in private", header(`Cache-Control: private="x-user"`, "A: 1"), header("X-User: me")},
		{"5.2.2.4 listed in no-cache", header(`Cache-Control: no-cache="x, y"`, "A: 1"), header("X: 1", "Y: 2", "y: 3")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			all := append(append(object.Header{}, c.dropped...), c.h...)
			before := append(object.Header{}, all...)
			if diff := cmp.Diff(c.h, StripStored(all)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, all); diff != "" {
				t.Errorf("the argument was changed:\n%s", diff)
			}
		})
	}
}

func TestStoredHeader(t *testing.T) {
	var p Policy
	cases := []struct {
		name    string
		status  int
		h, want object.Header
	}{
		{"9110 §6.6.1 Date kept", 200, header("Date: @-5"), header("Date: @-5")},
		{"9110 §6.6.1 Date added", 200, header("A: 1"), header("A: 1", "Date: @0")},
		{"9110 §6.6.1 bad Date replaced", 200, header("Date: foo", "A: 1"), header("A: 1", "Date: @0")},
		{"9111 §3.3 a part of a whole", 206, header("Content-Range: bytes 0-1/9", "Date: @0"), header("Date: @0")},
		{"9111 §3.1 not a part", 200, header("Content-Range: x", "Date: @0"), header("Content-Range: x", "Date: @0")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, p.StoredHeader(c.status, c.h, now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
