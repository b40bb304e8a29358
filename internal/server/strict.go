package server

import (
	"bytes"

	"edged/internal/edge"
)

// checkLine returns why a request line that fasthttp accepted must be refused.
// fasthttp takes any HTTP/x.y, any token as method and a fragment.
func checkLine(method, target, version []byte) Refusal {
	switch string(version) {
	case "HTTP/1.1", "HTTP/1.0":
	default:
		return BadVersion
	}
	switch string(method) {
	case "GET", "HEAD", "OPTIONS":
	case "CONNECT":
		return BadMethod
	default:
		if !isUpper(method) {
			return BadMethod
		}
	}
	if bytes.IndexByte(target, '#') >= 0 {
		return Fragment
	}
	return Accepted
}

// isUpper reports whether a method has the form of all registered ones: capital
// letters and hyphens. Methods are case-sensitive (RFC 9110 §9.1).
func isUpper(method []byte) bool {
	for _, c := range method {
		if (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return len(method) > 0
}

// protoOf expects a version that checkLine let pass; others count as the lowest.
func protoOf(version []byte) edge.Proto {
	if string(version) == "HTTP/1.1" {
		return edge.HTTP11
	}
	return edge.HTTP10
}
