package rfc9111

import (
	"strings"

	"edged/cache/object"
)

// StripStored returns the fields of a response that belong into the cache, in
// their order, as a new slice whose strings are shared with h. Dropped are:
//
//   - connection-specific fields and those that Connection lists (RFC 9111 §3.1);
//   - Proxy-* but for Proxy-Status, which like Cache-Status tells of the fetch;
//   - fields that private="…" or no-cache="…" lists;
//   - Age and Content-Length, which are computed when the response is served;
//   - X-Request-Id, which names a request that is not the next one's;
//   - Set-Cookie, Set-Cookie2, Alt-Svc, Access-Control-* and Timing-Allow-Origin,
//     which speak for the origin to one client, and Origin in Vary: CORS is the
//     edge's own.
func StripStored(h object.Header) object.Header {
	return strip(h, false)
}

// StoredHeader is what to keep of the header of a response received at a time
// given in Unix nanoseconds: StripStored under the site's cookie policy, without
// Content-Range when the response is a 206 (it becomes part of a whole), and with
// a Date when the origin sent none that can be read (RFC 9110 §6.6.1).
func (p *Policy) StoredHeader(status int, h object.Header, received int64) object.Header {
	stored := strip(h, p.Cookies == CookieKeep)
	if status == 206 {
		stored = without(stored, "Content-Range")
	}
	return withDate(stored, received)
}

func strip(h object.Header, keepCookies bool) object.Header {
	listed := ParseResponse(h).Fields
	for _, line := range linesOf(h, "Connection") {
		for name := range strings.SplitSeq(line, ",") {
			listed = append(listed, strings.ToLower(strings.Trim(name, " \t")))
		}
	}
	stored := make(object.Header, 0, len(h)+1)
	for _, field := range h {
		name := strings.ToLower(field.Name)
		if neverStored(name) || !keepCookies && isCookie(name) || contains(listed, name) {
			continue
		}
		if name == "vary" {
			if field.Value = varyWithoutOrigin(field.Value); field.Value == "" {
				continue
			}
		}
		stored = append(stored, field)
	}
	return stored
}

// varyWithoutOrigin drops Origin from a Vary line: whoever owns CORS answers every
// origin from one stored response, and says itself when its answer depends on it.
func varyWithoutOrigin(value string) string {
	if !containsFold(value, "origin") {
		return value
	}
	var kept []string
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.Trim(name, " \t"); name != "" && !strings.EqualFold(name, "Origin") {
			kept = append(kept, name)
		}
	}
	return strings.Join(kept, ", ")
}

// containsFold reports whether s has part, a word in lower case, in any case.
func containsFold(s, part string) bool { return strings.Contains(strings.ToLower(s), part) }

// neverStored names, in lower case, what no policy keeps.
func neverStored(name string) bool {
	switch name {
	case "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
		"age", "content-length", "alt-svc", "timing-allow-origin", "x-request-id":
		return true
	case "proxy-status":
		return false
	}
	return strings.HasPrefix(name, "proxy-") || strings.HasPrefix(name, "access-control-")
}

func isCookie(name string) bool { return name == "set-cookie" || name == "set-cookie2" }

func contains(names []string, name string) bool {
	for i := range names {
		if names[i] == name {
			return true
		}
	}
	return false
}

// without drops the lines called name from h, in place.
func without(h object.Header, name string) object.Header {
	kept := h[:0]
	for _, field := range h {
		if !strings.EqualFold(field.Name, name) {
			kept = append(kept, field)
		}
	}
	return kept
}

// withDate gives h, which it may change, a Date that can be read.
func withDate(h object.Header, received int64) object.Header {
	if _, ok := dateValue(h, received); ok {
		return h
	}
	date := string(AppendDate(nil, floorSeconds(received)))
	return append(without(h, "Date"), object.Field{Name: "Date", Value: date})
}
