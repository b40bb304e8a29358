// Package admin shows an operator, a monitoring system and scripts how the node
// is: a status page, the same as JSON, metrics, and whether it is ready; and it
// takes the few orders that a running node accepts.
//
//	s, err := admin.New(admin.Options{Node: "edge-ams-01", Sources: sources, Drain: stop})
//	…
//	l, err := admin.Listen(ctx, "127.0.0.1:8090") // or the path of a unix socket
//	go s.Serve(l)
//	s.SetState(admin.Serving)
//	…
//	s.Close()
//
// # Nouns
//
// [Sources] are functions that return the counters of the parts. Everything shown
// goes through one value, the status: it is built from the sources at the moment
// of the request, what may identify somebody is left out right there, and the
// page, the JSON and the metrics are three renderings of it. So they cannot
// disagree. A finding is something that is not as it should be, with what to do
// about it. The history is a ring of rates over the last five minutes, filled by a
// goroutine that looks at the counters every two seconds.
//
// # Who may ask
//
// The listener is on loopback or a unix socket. That alone does not keep out a web
// page in a browser of the same machine: so a request must name a host of ours
// (against DNS rebinding), reads never change anything, and orders need the header
// X-Edged-Admin, which no page can send from elsewhere. The page itself runs under
// a policy that allows nothing from outside.
//
// # Privacy
//
// Accounts, sites, origins without user and path, disks and closed lists of reasons
// are shown. No address of a viewer, no path, no query and no token is known to
// this package, and nothing of a request to it is written anywhere.
//
// # Concurrency
//
// All methods of [Server] may be called from any goroutine at any time. Close waits
// for the goroutines.
//
// # Not here
//
// Roles and tokens for listeners that others can reach, explain and usage:
// api.go is the place.
package admin
