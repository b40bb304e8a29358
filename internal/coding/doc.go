// Package coding chooses and applies content codings (RFC 9110 §8.4) for text:
// playlists, manifests and subtitles. Media segments are never recoded.
//
//	c := coding.Negotiate(acceptEncoding)        // zstd, br, gzip or identity
//	if body, ok := coding.Append(dst, c, text); ok { … }
//	etag := coding.ETag(stored, c)               // a strong tag of its own
//
// A coded body is computed once for each version of an object and stored beside
// it; so levels favour size over speed. Everything may be called from many
// goroutines. The package keeps no state and does no I/O.
package coding
