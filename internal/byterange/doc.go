// Package byterange reads and writes the fields of HTTP range requests
// (RFC 9110 §14): Range of a client, Content-Range of an origin, Content-Range
// and multipart/byteranges of an answer.
//
//	ranges, outcome := byterange.Parse(header, size, nil)
//	switch outcome {
//	case byterange.Whole:         // 200, the Range field is ignored
//	case byterange.Partial:       // 206 with ranges[0], or multipart for several
//	case byterange.Unsatisfiable: // 416 with AppendUnsatisfied
//	}
//
// A [Range] is half open: [Start, End) in bytes of the representation. Parse
// never fails: a field it does not understand is one that RFC 9110 §14.2 lets a
// server ignore. If-Range is not its business; ask package rfc9111 first.
//
// Functions are pure and safe for concurrent use. One range costs no allocation
// when the caller brings the slice.
package byterange
