package main

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
)

func serveOrigin(t *testing.T) *origin {
	t.Helper()
	o, err := startOrigin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.stop)
	return o
}

func dialOrigin(t *testing.T, o *origin, mss int) *client {
	t.Helper()
	c, err := dial(t.Context(), o.address(), mss, plainHost, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func TestClientReadsOrigin(t *testing.T) {
	o := serveOrigin(t)
	for _, mss := range []int{0, 1448} {
		c := dialOrigin(t, o, mss)
		for _, path := range []string{"/0/a", "/2048/old/1.m4s", "/4194304/old/2.m4s"} {
			if err := check(c, request(plainHost, path), o.body(path), []byte("Cache-Control: public")); err != nil {
				t.Errorf("mss %d, %s: %v", mss, path, err)
			}
			want := expectation{length: len(o.body(path)), mark: []byte("ETag")}
			if err := c.do(request(plainHost, path), want); err != nil {
				t.Errorf("mss %d, do %s: %v", mss, path, err)
			}
		}
	}
}

func TestClientRefuses(t *testing.T) {
	o := serveOrigin(t)
	for _, tt := range []struct {
		name, path, text string
		want             expectation
	}{
		{"status", "/none", "status 404", expectation{}},
		{"length", "/100/a", "status 200 with 100 bytes", expectation{length: 99}},
		{"mark", "/100/a", `no "X-Cache-Status: HIT"`, expectation{length: 100, mark: []byte("X-Cache-Status: HIT")}},
	} {
		err := dialOrigin(t, o, 0).do(request(plainHost, tt.path), tt.want)
		if err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.text)
		}
	}
	c := dialOrigin(t, o, 0)
	c.socket.interrupt()
	if _, err := c.socket.Read(make([]byte, 1)); err != errInterrupted { //nolint:errorlint // returned bare
		t.Errorf("read after interrupt: %v", err)
	}
}

func TestOriginBodies(t *testing.T) {
	o := serveOrigin(t)
	if a, b := o.body("/100/a"), o.body("/100/b"); len(a) != 100 || bytes.Equal(a, b) {
		t.Errorf("bodies of two paths: %d bytes, equal %v", len(a), bytes.Equal(a, b))
	}
	for _, path := range []string{"", "/", "/100", "/-1/a", "/x/a", "/4194305/a"} {
		if b := o.body(path); b != nil {
			t.Errorf("body(%q) has %d bytes, want none", path, len(b))
		}
	}
}

func TestPlans(t *testing.T) {
	s, err := newSigner()
	if err != nil {
		t.Fatal(err)
	}
	var next atomic.Int64
	for _, b := range cases() {
		for _, spell := range []speller{spellECT, spellSecureLink} {
			p, err := newPlan(&b, s, spell, &next)
			if err != nil {
				t.Fatalf("%s: %v", b.name, err)
			}
			r := p.requests(3)
			first := string(r())
			second := string(r())
			if first == second {
				t.Errorf("%s: one request twice: %.80q", b.name, first)
			}
			line, rest, _ := strings.Cut(first, "\r\n")
			if !strings.HasSuffix(line, " HTTP/1.1") || !strings.HasPrefix(rest, "Host: "+b.host()+"\r\n") || !strings.HasSuffix(rest, "\r\n\r\n") {
				t.Errorf("%s: %q", b.name, first)
			}
			if signed := strings.Contains(line, "ect=") || strings.Contains(line, "md5="); signed != (b.signing != unsigned) {
				t.Errorf("%s: signed %v: %q", b.name, signed, line)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	if all, err := choose(cases(), ""); err != nil || len(all) != len(cases()) {
		t.Errorf("choose nothing: %d cases, %v", len(all), err)
	}
	some, err := choose(cases(), "tls-64k,hit-2k")
	if err != nil || len(some) != 2 || some[0].name != "tls-64k" || some[1].name != "hit-2k" {
		t.Errorf("choose two: %+v, %v", some, err)
	}
	if _, err := choose(cases(), "hit-3k"); err == nil || !strings.Contains(err.Error(), "hit-64k") {
		t.Errorf("choose an unknown one: %v, want the names that exist", err)
	}
}
