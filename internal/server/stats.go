package server

import "sync/atomic"

type counter = atomic.Uint64

// counters are the events of a Server. Requests are counted by the edge.
type counters struct {
	Accepted, Shed, AcceptErrors                 counter
	CutHandshake, CutHeader, CutIdle, CutSlow    counter
	Handshakes, HandshakeErrors, HandshakeQueued counter
	Panics                                       counter
	Refused                                      [NumRefusals]counter
}

// Stats is a snapshot of a [Server]. All but the gauges only grow.
type Stats struct {
	Open        int // gauge: open connections, all kinds
	OpenHTTP    int // gauge: of these, without TLS
	OpenHTTPS   int // gauge: of these, with TLS: handshaking, HTTP/1 or HTTP/2
	OpenStreams int // gauge: HTTP/2 requests being served

	Accepted     uint64 // connections taken
	Shed         uint64 // connections closed at accept: limit, or no descriptors
	AcceptErrors uint64 // accept calls that failed and were repeated

	CutHandshake uint64 // TLS handshake too slow
	CutHeader    uint64 // request header too slow, or none sent
	CutIdle      uint64 // idle keep-alive connection closed
	CutSlow      uint64 // client below the minimum rate

	Handshakes      uint64 // TLS handshakes that succeeded
	HandshakeErrors uint64 // TLS handshakes that failed, timeouts included
	HandshakeQueued uint64 // of all, those that had to wait for their turn

	Refused [NumRefusals]uint64 // requests refused for their form, by Refusal
	Panics  uint64              // panics caught
}

// Stats returns the counters now. It may be called at any time.
func (s *Server) Stats() Stats {
	c := &s.count
	return Stats{
		Open:            s.conns.open.now(),
		OpenHTTP:        int(s.openPlain.Load()),
		OpenHTTPS:       int(s.openTLS.Load()),
		OpenStreams:     s.streams.now(),
		Accepted:        c.Accepted.Load(),
		Shed:            c.Shed.Load(),
		AcceptErrors:    c.AcceptErrors.Load(),
		CutHandshake:    c.CutHandshake.Load(),
		CutHeader:       c.CutHeader.Load(),
		CutIdle:         c.CutIdle.Load(),
		CutSlow:         c.CutSlow.Load(),
		Handshakes:      c.Handshakes.Load(),
		HandshakeErrors: c.HandshakeErrors.Load(),
		HandshakeQueued: c.HandshakeQueued.Load(),
		Refused:         c.refused(),
		Panics:          c.Panics.Load(),
	}
}

func (c *counters) refused() (n [NumRefusals]uint64) {
	for i := range n {
		n[i] = c.Refused[i].Load()
	}
	return n
}
