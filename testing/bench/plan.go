package main

import (
	"fmt"
	"strconv"
	"sync/atomic"
)

// plan makes the requests of one case for one peer. They are rendered before the
// load starts, so that the generator only has to send them.
type plan struct {
	bench    *bench
	rendered [][][]byte    // by connection modulo len, then by object; nil for misses
	next     *atomic.Int64 // number of the next object nobody has asked for
}

// signedConnections is how many tokens, that is sessions, are in use at a time:
// connections beyond share them.
const signedConnections = 16

// newPlan renders the requests for b. next numbers objects across all rounds.
func newPlan(b *bench, s *signer, spell speller, next *atomic.Int64) (*plan, error) {
	p := &plan{bench: b, next: next}
	if b.miss() {
		return p, nil
	}
	sessions := 1
	if b.signing != unsigned {
		sessions = signedConnections
	}
	for session := range sessions {
		sign, err := s.session(b.signing, spell, session)
		if err != nil {
			return nil, err
		}
		var requests [][]byte
		for n := range b.objects {
			requests = append(requests, request(b.host(), sign(b.path(n))))
		}
		p.rendered = append(p.rendered, requests)
	}
	return p, nil
}

// requests returns the endless sequence of requests of one connection. What it
// returns is valid until the next call.
func (p *plan) requests(connection int) func() []byte {
	if p.bench.miss() {
		return p.fresh()
	}
	own := p.rendered[connection%len(p.rendered)]
	at := connection * 7919 // a prime: connections do not walk in step
	return func() []byte {
		at++
		return own[at%len(own)]
	}
}

// fresh returns requests for objects that nobody has asked for yet.
func (p *plan) fresh() func() []byte {
	before, after, buf := fmt.Appendf(nil, "GET /%d/new/", p.bench.size), requestRest(p.bench.host(), ".m4s"), []byte(nil)
	return func() []byte {
		buf = strconv.AppendInt(append(buf[:0], before...), p.next.Add(1), 10)
		buf = append(buf, after...)
		return buf
	}
}

// request renders a GET as a browser's player sends it, with the fields that
// matter for its cost.
func request(host, target string) []byte {
	return append([]byte("GET "), requestRest(host, target)...)
}

func requestRest(host, target string) []byte {
	return []byte(target + " HTTP/1.1\r\n" +
		"Host: " + host + "\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36\r\n" +
		"Accept: */*\r\n" +
		"Accept-Language: en-US,en;q=0.9\r\n" +
		"Origin: https://player.bench.test\r\n" +
		"Referer: https://player.bench.test/\r\n" +
		"\r\n")
}
