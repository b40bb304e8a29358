package rfc9111

import (
	"math"
	"time"
)

// RequestDirectives are a client's wishes (RFC 9111 §5.2.1). Spans are -1 when
// absent, so the value for "no wishes" is [NoWishes], not the zero value: that
// one asks for an age of 0, which is always answered by validating.
//
// The RFC makes them preferences. A site that does not want its clients to be
// able to reach the origin at will passes NoWishes instead of what they sent.
type RequestDirectives struct {
	NoCache      bool
	NoStore      bool
	OnlyIfCached bool
	MaxAge       time.Duration // -1 absent
	MinFresh     time.Duration // -1 absent
	MaxStale     time.Duration // -1 absent; the longest Duration for max-stale without an argument
}

// NoWishes returns the directives of a request that has none.
func NoWishes() RequestDirectives {
	return RequestDirectives{MaxAge: absent, MinFresh: absent, MaxStale: absent}
}

// ParseRequest reads a request's Cache-Control and, only when there is none, its
// Pragma (RFC 9111 §5.4). Values are all lines of the field joined by ", ", nil
// when absent; they are borrowed for the call. A span that cannot be read is
// ignored; of a repeated one the more demanding counts. It allocates nothing.
func ParseRequest(cacheControl, pragma []byte) RequestDirectives {
	rd := NoWishes()
	if cacheControl == nil {
		rd.NoCache = pragma != nil && hasDirective(pragma, "no-cache")
		return rd
	}
	for {
		d, rest, ok := nextDirective(cacheControl)
		if !ok {
			return rd
		}
		rd.add(&d)
		cacheControl = rest
	}
}

func (rd *RequestDirectives) add(d *directive) {
	var buf nameBuffer
	switch string(d.lower(&buf)) {
	case "no-cache":
		rd.NoCache = true
	case "no-store":
		rd.NoStore = true
	case "only-if-cached":
		rd.OnlyIfCached = true
	case "max-age":
		if v, ok := d.delta(); ok {
			shorten(&rd.MaxAge, v)
		}
	case "min-fresh":
		if v, ok := d.delta(); ok {
			rd.MinFresh = max(rd.MinFresh, v)
		}
	case "max-stale":
		if d.bare() {
			shorten(&rd.MaxStale, math.MaxInt64)
		} else if v, ok := d.delta(); ok {
			shorten(&rd.MaxStale, v)
		}
	}
}

// hasDirective reports whether a directive is in a list, with or without an
// argument. lower is its name in lower case.
func hasDirective(list []byte, lower string) bool {
	for {
		d, rest, ok := nextDirective(list)
		if !ok || equalLower(d.name, lower) {
			return ok
		}
		list = rest
	}
}
