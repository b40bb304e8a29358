package server

import (
	"fmt"
	"io"
	"net"
	"testing"

	"edged/cache/object"
	"edged/internal/edge"
)

// looped is a Body of fixed spans that is opened again for each request.
type looped struct {
	pieces [][]byte
	i      int
}

func (l *looped) Ready() bool  { return true }
func (l *looped) Close()       { l.i = 0 }
func (l *looped) Park()        {}
func (l *looped) Resume() bool { return true }
func (l *looped) Unread(int)   {}

func (l *looped) Next() ([]byte, error) {
	if l.i == len(l.pieces) {
		return nil, io.EOF
	}
	l.i++
	return l.pieces[l.i-1], nil
}

// steady is a Handler that allocates nothing.
type steady struct {
	header []object.Field
	body   looped
	size   int64
}

func newSteady(size int64) *steady {
	s := &steady{size: size, header: []object.Field{
		{Name: "Content-Type", Value: "video/mp4"},
		{Name: "ETag", Value: `"5f3a-1c"`},
		{Name: "Last-Modified", Value: "Sun, 06 Nov 1994 08:49:37 GMT"},
		{Name: "Cache-Control", Value: "max-age=14400"},
		{Name: "Access-Control-Allow-Origin", Value: "*"},
		{Name: "Access-Control-Expose-Headers", Value: "Age, Date, Content-Length, Content-Range, Cache-Status"},
		{Name: "Timing-Allow-Origin", Value: "*"},
		{Name: "Cache-Status", Value: "edged; hit; ttl=14200"},
		{Name: "Age", Value: "200"},
		{Name: "X-Request-Id", Value: "0123456789abcdef"},
	}}
	for left := size; left > 0; left -= 1 << 20 {
		s.body.pieces = append(s.body.pieces, make([]byte, min(left, 1<<20)))
	}
	return s
}

func (s *steady) NewExchange() *edge.Exchange         { return &edge.Exchange{} }
func (s *steady) Refuse(x *edge.Exchange, status int) { x.Resp = edge.Response{Status: status} }
func (s *steady) Panicked(x *edge.Exchange)           { x.Resp = edge.Response{Status: 500} }
func (s *steady) Finish(*edge.Exchange, edge.Delivery) {
}

func (s *steady) Serve(x *edge.Exchange) {
	for _, name := range []string{"Range", "If-None-Match", "Cookie", "Origin"} {
		_ = x.Req.Header.Get(name)
	}
	x.Resp = edge.Response{Status: 200, Header: s.header, Size: s.size, Body: &s.body}
}

const playerRequest = "GET /v/title/720p/seg-00042.m4s?ect=abc HTTP/1.1\r\nHost: acme.example.net\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
	"Accept: */*\r\nAccept-Language: de,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: https://player.example/\r\n" +
	"Origin: https://player.example\r\nConnection: keep-alive\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\n\r\n"

// requester sends one prepared request again and again, without allocating.
type requester struct {
	c        net.Conn
	raw      []byte
	buf      []byte
	response int // bytes
}

func newRequester(t testing.TB, c net.Conn, size int64) *requester {
	t.Helper()
	r := &requester{c: c, raw: []byte(playerRequest), buf: make([]byte, size+64<<10)}
	if _, err := c.Write(r.raw); err != nil {
		t.Fatal(err)
	}
	for end := -1; end < 0 || r.response < end+int(size); {
		n, err := c.Read(r.buf[r.response:])
		if err != nil {
			t.Fatal(err)
		}
		r.response += n
		for i := 0; i+4 <= r.response && end < 0; i++ {
			if string(r.buf[i:i+4]) == "\r\n\r\n" {
				end = i + 4
			}
		}
	}
	return r
}

func (r *requester) do(t testing.TB) {
	if _, err := r.c.Write(r.raw); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r.c, r.buf[:r.response]); err != nil {
		t.Fatal(err)
	}
}

// TestNoAllocations is the gate of the HTTP/1 path: parsing, adapter, header and
// writing allocate nothing, on either wire. crypto/tls itself allocates once for
// each read from its connection, and the client is in this process too.
func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, overTLS := range []bool{false, true} {
		for _, size := range []int64{2 << 10, 512 << 10, 3 << 20} {
			t.Run(fmt.Sprintf("tls %v %d", overTLS, size), func(t *testing.T) {
				_, addr := run(t, newSteady(size), overTLS)
				c := dial(t, addr)
				if overTLS {
					c = dialTLS(t, addr, "http/1.1")
				}
				r := newRequester(t, c, size)
				for range 20 {
					r.do(t)
				}
				limit := 0.0
				if overTLS {
					limit = 2 + float64(size/(16<<10))
				}
				if n := testing.AllocsPerRun(100, func() { r.do(t) }); n > limit {
					t.Errorf("%v allocations a request, want at most %v", n, limit)
				}
			})
		}
	}
}
