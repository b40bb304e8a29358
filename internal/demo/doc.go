// Package demo is what edged -demo puts around an edge: an origin with one bundled
// title, and a page that plays it through the edge and shows where each segment
// came from.
//
//	k := demo.NewKey()
//	// … an edge that knows k, whose origin is "http://" + address + demo.OriginPath
//	h, err := demo.New(demo.Options{Key: k, EdgePort: 8081})
//	err = http.Serve(listener, h)
//
// The nouns: a [Stream] is one way to play the title (HLS with fMP4, HLS with TS,
// DASH), a [Key] signs the tokens of its URLs, [Origin] serves the title slowly
// enough that a miss can be seen, and [New] puts origin, page and the page's small
// interface on one handler. The page is served from another port than the edge's,
// so that it is cross-origin as players are in production.
//
// All types are safe for concurrent use. Nothing here knows the edge's packages,
// and nothing is fetched from anywhere: players, licences and title are in the
// binary.
package demo
