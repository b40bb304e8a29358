// Package edgetest holds the parts of end-to-end tests: an origin that can be told
// to misbehave, and the real edged binary as a child process.
//
// The nouns: an [Origin] answers paths with handlers, most of them made by the
// functions of this package ([Serve], [Truncate], [Stall], …), and remembers what
// it was asked. A [Node] is an edged process with a configuration, a cache and a
// log directory of its own. A [Gate] holds something back until a test opens it:
// tests order events with gates and [Eventually], never by sleeping. A [Conn]
// carries requests that no HTTP library would send.
//
//	o := edgetest.NewOrigin(t)
//	body := edgetest.Pattern("/vod/a.m4s", 3<<20)
//	o.Handle("/vod/a.m4s", edgetest.Serve(body, "ETag", `"a"`))
//	n := edgetest.Start(t, edgetest.Config{Sites: []edgetest.Site{
//		{Account: "acme", Host: "acme.test", Origins: []string{o.URL}},
//	}})
//	r := edgetest.Get(t, n.HTTP1(), "http://acme.test/vod/a.m4s")
//
// Everything ends with the test that started it, the child process included, and
// everything may be used by several goroutines at once. The binaries are built once
// a test process, with the race detector when the test has it.
//
// It does not know what edged should answer: that is what tests are for. Packages
// under test must not import it.
package edgetest
