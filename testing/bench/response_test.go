package main

import "testing"

func TestParseHead(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     head
		ok, bad  bool
	}{
		{name: "whole", in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", want: head{size: 38, status: 200, length: 5}, ok: true},
		{name: "lower case", in: "HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n", want: head{size: 44, status: 404}, ok: true},
		{name: "not first", in: "HTTP/1.1 206 x\r\nA: b\r\nContent-Length:  7 \r\n\r\n", want: head{size: 45, status: 206, length: 7}, ok: true},
		{name: "incomplete", in: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"},
		{name: "empty", in: ""},
		{name: "no length", in: "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", bad: true},
		{name: "negative length", in: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", bad: true},
		{name: "length is no number", in: "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", bad: true},
		{name: "other protocol", in: "SSH-2.0-x\r\n\r\n", bad: true},
		{name: "short status", in: "HTTP/1.1 20\r\n\r\n", bad: true},
		{name: "status is no number", in: "HTTP/1.1 2x0 OK\r\nContent-Length: 1\r\n\r\n", bad: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok, err := parseHead([]byte(c.in))
			if ok != c.ok || (err != nil) != c.bad {
				t.Fatalf("parseHead(%q) = %+v, %v, %v; want ok %v, error %v", c.in, got, ok, err, c.ok, c.bad)
			}
			if c.ok && got != c.want {
				t.Errorf("parseHead(%q) = %+v, want %+v", c.in, got, c.want)
			}
		})
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok, err := parseHead(b)
		if ok && (err != nil || h.size > len(b) || h.length < 0) {
			t.Errorf("parseHead(%q) = %+v, %v, %v", b, h, ok, err)
		}
	})
}
