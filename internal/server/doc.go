// Package server puts the edge on the network: listeners, connection limits, TLS
// and two thin adapters, HTTP/1 on fasthttp and HTTP/2 on net/http.
//
//	s, err := server.New(server.Options{Handler: h, Certificates: certs})
//	…
//	go s.Serve(server.Listener{Listener: plain}, server.Listener{Listener: secure, TLS: true})
//	…
//	err = s.Shutdown(ctx) // drain, then cut
//
// # Nouns
//
// A listener yields a conn: an accepted socket with a phase, a peer address and a
// writer of system calls. On HTTPS a gatherer and crypto/tls lie above it. A
// session is an HTTP/1 connection as fasthttp sees it; a stream is an HTTP/2
// request. Each has an [edge.Exchange] that is reused from request to request.
// The sweeper watches the phases of all connections and interrupts those over
// their limit. A wire takes the bytes of HTTP/1 responses; a delivery writes one.
//
// # Who does what
//
// fasthttp reads and parses HTTP/1 and runs the keep-alive loop. It does not
// accept, limit, time or write: see session. net/http does all of HTTP/2 above
// TLS. What fasthttp accepts though RFC 9112 or good sense forbid it is refused
// here (see [Refusal]); what a request means is the edge's business alone,
// redirects to HTTPS included.
//
// # Concurrency
//
// A conn belongs to the goroutine that serves it. Other goroutines only look at
// its atomics, set deadlines, or close it. All methods of [Server] may be called
// at any time from any goroutine. A [Handler] is called by many goroutines, with
// an Exchange each.
//
// # Ends of responses
//
// A response whose body fails, or whose body and length disagree, is never
// brought to an end that looks clean: HTTP/1 connections are reset, without the
// last chunk and without TLS close_notify, HTTP/2 streams get RST_STREAM.
//
// # Not here
//
// HTTP/3: a third adapter, http3.go beside h2.go, would give quic-go's http3
// server the same [Handler] and the certificates of certStore, and be shut down
// beside the other two. Limits for each network: Server.take is the place. kTLS:
// a third wire. sendfile: a body that offers a file range, taken by rawWriter.
package server
