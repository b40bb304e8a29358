package server

import (
	"bytes"

	"edged/internal/edge"
)

// checkLine returns why a request line that fasthttp accepted must be refused.
// fasthttp takes any HTTP/x.y, any token as method and a fragment.
func checkLine(method, target, version []byte) Refusal {
	if why := checkVersion(version); why != Accepted {
		return why
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

// checkVersion lets HTTP/1 pass with any minor version (RFC 9110 §2.5).
func checkVersion(version []byte) Refusal {
	const form = "HTTP/1.1"
	switch {
	case len(version) != len(form) || string(version[:5]) != form[:5] || version[6] != '.' || !isDigit(version[5]) || !isDigit(version[7]):
		return BadSyntax
	case version[5] != '1':
		return BadVersion
	}
	return Accepted
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

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

// protoOf expects a version that checkLine let pass; what it refused counts as the
// lowest. A higher minor version is served as HTTP/1.1.
func protoOf(version []byte) edge.Proto {
	if checkVersion(version) != Accepted || version[7] == '0' {
		return edge.HTTP10
	}
	return edge.HTTP11
}
