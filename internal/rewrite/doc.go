// Package rewrite puts a token into the URIs of HLS and DASH manifests, so that
// a player carries it from the manifest to the last segment.
//
//	var r rewrite.Rewriter // reused from one manifest to the next
//	err := r.Reset(rewrite.Options{
//		Mode: rewrite.Segment, Name: "ect", Value: token,
//		Base: "/acme/film/", Hosts: []string{"acme.example.net"},
//	})
//	for piece := range body { // pieces of any size
//		out = r.Append(out[:0], piece)
//		…write out…
//	}
//	out = r.Finish(out[:0])
//
// # Nouns
//
//   - mode: how a URI takes the token: as its leading path segment, as a
//     parameter of its query, or by reference to the manifest's own query.
//   - own: a URI that leads to one of [Options].Hosts. Any other is foreign, and is
//     never given a token. In doubt (a user name, a backslash, a control byte, an
//     unknown variable) a URI is foreign.
//   - unit: what is judged as a whole: a line of HLS; a tag, or the content of an
//     element that is a URI, of DASH. Units longer than [MaxUnit] pass unchanged.
//
// # What is rewritten
//
// HLS (RFC 8216 and its second edition): URI lines, and the attributes URI, SERVER-URI,
// X-ASSET-URI and X-ASSET-LIST of the tags that have them. DASH (ISO/IEC 23009-1): the
// elements BaseURL, Location, PatchLocation and ContentSteering, the attributes
// that name segments, xlink:href, and the address of a time server.
//
// Bytes that are not such a URI pass as they are, with three exceptions: in mode
// Segment an MPD without a BaseURL of its own gets one if the request for it had
// no leading segment, a dynamic MPD gets a Location if Options.Self says so, and mode
// Define adds the declarations it needs.
// A body that is neither HLS nor XML passes untouched, as does Smooth Streaming, a
// document with a DOCTYPE, and any encoding but UTF-8.
//
// A URI that holds the token's name already, as segment or parameter, is left alone:
// rewriting twice is rewriting once.
//
// # Concurrency and bytes
//
// A Rewriter is used by one goroutine at a time. It keeps no reference to what it was
// given. Where pieces are cut makes no difference to what comes out. Memory is
// bounded by MaxUnit and the largest piece; once it has grown, nothing is allocated.
//
// # What it does not do
//
// No I/O, no HTTP, no verification of tokens, no parsing of variables that HLS
// declares. The lists that X-ASSET-LIST names are no manifests and are not looked into.
package rewrite
