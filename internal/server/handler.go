package server

import "edged/internal/edge"

// Handler decides what is answered. It is the edge, seen from here.
//
// An adapter calls NewExchange once a connection (HTTP/1) or takes a used one
// (HTTP/2), fills Req, calls exactly one of Serve and Refuse, writes Resp, and
// calls Finish exactly once before it uses the Exchange again. An Exchange is
// never used by two goroutines at once.
type Handler interface {
	NewExchange() *edge.Exchange
	// Serve fills x.Resp for a well-formed request.
	Serve(x *edge.Exchange)
	// Refuse fills x.Resp with an error of this status (400, 408 or 431) for a
	// request that could not be parsed or must not be interpreted. Parts of x.Req
	// may be missing; x.Req.Header is set. The connection is closed afterwards.
	Refuse(x *edge.Exchange, status int)
	// Panicked fills x.Resp with a 500 after Serve or Refuse panicked. The
	// Exchange is finished once and then dropped.
	Panicked(x *edge.Exchange)
	// Finish releases, counts and logs.
	Finish(x *edge.Exchange, d edge.Delivery)
}

var _ Handler = (*edge.Edge)(nil)
