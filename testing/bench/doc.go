// Command bench runs the same requests against edged, nginx and, if asked,
// Varnish, side by side on one machine, and prints requests a second and the CPU
// time the server spent on each request.
//
//	go run ./testing/bench                                  every case, about 4 minutes
//	go run ./testing/bench -cases hit-2k,miss-64k -rounds 5
//	go run ./testing/bench -varnish -json result.json
//	go run ./testing/bench -cases hit-2k -cpuprofile /tmp   perf records of edged
//
// The nouns: a [peer] is a server under test with its processes, a [bench] case is
// a set of requests, a round is one timed window of one peer, and the rounds of
// the peers alternate, so that a noisy neighbour disturbs all of them alike.
//
// Every peer has one core, and the load generator and the origin share the other,
// which they never leave idle (see [socket]). That makes the generator the
// bottleneck for cheap requests, so the figure that counts is CPU time per
// request: what the kernel charged to the peer's processes between the ends of
// the window, divided by the requests done in it. Ratios are nginx ÷ edged: above 1
// edged is cheaper.
//
// Nothing is counted that was not checked: each response must have the right
// status, length and cache status, and before the first round the bodies of every
// peer are compared with the origin's.
//
// The load generator keeps one goroutine a connection. It does not measure
// latency, HTTP/2, connection rates or slow clients.
package main
