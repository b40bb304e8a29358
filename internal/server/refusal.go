package server

import "net/http"

// Refusal is why a request was refused for its form, before the edge looked at
// what it asks for.
type Refusal uint8

// The reasons. Accepted is not one.
const (
	Accepted       Refusal = iota
	BadSyntax              // the parser gave up
	HeaderTimeout          // the header did not come in time
	HeaderTooLarge         // longer than Options.MaxHeaderBytes, or more than maxFields lines
	TargetTooLong          // the request line alone is longer than Options.MaxHeaderBytes
	BadVersion             // not HTTP/1
	BadMethod              // CONNECT, or not capital letters
	Fragment               // '#' in the request target
	FoldedField            // obs-fold (RFC 9112 §5.2)
	BadField               // a field line that nobody should send
	TwoFramings            // Content-Length and Transfer-Encoding (RFC 9112 §6.3)
	Expectation            // an Expect that is not met: see fields.expectation
	NumRefusals    = iota  // how many values there are
)

// String returns a stable word for metrics.
func (r Refusal) String() string {
	return [NumRefusals]string{
		"accepted", "syntax", "header_timeout", "header_too_large", "target_too_long", "version", "method",
		"fragment", "folded_field", "field", "two_framings", "expectation",
	}[r]
}

// status returns the answer: 400 where the RFCs name none, as most of those are signs
// of an attack on framing, where nothing more precise is owed.
func (r Refusal) status() int {
	switch r {
	case HeaderTimeout:
		return http.StatusRequestTimeout
	case HeaderTooLarge:
		return http.StatusRequestHeaderFieldsTooLarge
	case TargetTooLong:
		return http.StatusRequestURITooLong
	case BadVersion:
		return http.StatusHTTPVersionNotSupported
	case Expectation:
		return http.StatusExpectationFailed
	}
	return http.StatusBadRequest
}
