package rfc9111

import (
	"strings"
	"time"

	"edged/cache/object"
)

// Directives are the cache response directives that a shared cache acts on (RFC
// 9111 §5.2.2, RFC 5861, RFC 8246). Spans are -1 when the response does not state
// them.
//
// When a directive occurs more than once the shortest span counts, and when
// directives conflict both stay, so that the more restrictive one wins. A
// lifetime that cannot be read counts as 0: present and stale (§4.2.1).
// Directives that permit (public, immutable, must-understand) count only when
// they are well formed and without an argument; those that forbid always count.
type Directives struct {
	NoStore              bool
	NoCache              bool // without field names
	Private              bool // without field names
	Public               bool
	MustRevalidate       bool
	ProxyRevalidate      bool
	MustUnderstand       bool
	Immutable            bool
	Targeted             bool          // read from a targeted field: Cache-Control and Expires do not count (RFC 9213 §2.2)
	MaxAge               time.Duration // max-age
	SMaxAge              time.Duration // s-maxage
	StaleWhileRevalidate time.Duration
	StaleIfError         time.Duration
	// Fields are the lower-case names listed by private="…" and no-cache="…"
	// (§5.2.2.4, §5.2.2.7). They are met by never storing those fields. A list that
	// is empty, malformed or names a field the cache cannot do without makes the
	// directive count for the whole response instead.
	Fields []string
}

// ParseResponse reads the directives that apply to a shared cache of our kind:
// those of the first usable targeted field (see [OwnField]), else those of
// Cache-Control.
func ParseResponse(h object.Header) Directives {
	if d, ok := targeted(h); ok {
		return d
	}
	d := noDirectives()
	for i := range h {
		if strings.EqualFold(h[i].Name, "Cache-Control") {
			d.scan([]byte(h[i].Value))
		}
	}
	return d
}

func noDirectives() Directives {
	return Directives{MaxAge: absent, SMaxAge: absent, StaleWhileRevalidate: absent, StaleIfError: absent}
}

// scan adds the directives of one Cache-Control line.
func (d *Directives) scan(line []byte) {
	for {
		item, rest, ok := nextDirective(line)
		if !ok {
			return
		}
		var buf nameBuffer
		d.add(string(item.lower(&buf)), &item)
		line = rest
	}
}

func (d *Directives) add(name string, item *directive) {
	if span := d.span(name); span != nil {
		v, _ := item.delta()
		shorten(span, v)
		return
	}
	switch name {
	case "no-store":
		d.NoStore = true
	case "no-cache":
		d.restrict(&d.NoCache, item)
	case "private":
		d.restrict(&d.Private, item)
	case "must-revalidate":
		d.MustRevalidate = true
	case "proxy-revalidate":
		d.ProxyRevalidate = true
	case "public":
		d.Public = d.Public || item.bare()
	case "must-understand":
		d.MustUnderstand = d.MustUnderstand || item.bare()
	case "immutable":
		d.Immutable = d.Immutable || item.bare()
	}
}

// span returns where the span of a directive is kept, nil for a directive that
// has none.
func (d *Directives) span(name string) *time.Duration {
	switch name {
	case "max-age":
		return &d.MaxAge
	case "s-maxage":
		return &d.SMaxAge
	case "stale-while-revalidate":
		return &d.StaleWhileRevalidate
	case "stale-if-error":
		return &d.StaleIfError
	}
	return nil
}

// shorten keeps the shorter of what was there and v.
func shorten(span *time.Duration, v time.Duration) {
	if *span == absent || v < *span {
		*span = v
	}
}

// restrict records private or no-cache: for the listed fields when there is a
// usable list, else for the whole response.
func (d *Directives) restrict(whole *bool, item *directive) {
	if !item.hasValue || item.malformed || !d.addFields(string(item.value)) {
		*whole = true
	}
}

func (d *Directives) addFields(list string) bool {
	names, ok := fieldNames(list)
	d.Fields = append(d.Fields, names...)
	return ok
}

// noStore reports whether no-store counts for a response with this status:
// must-understand overrides it for a status whose caching rules are implemented
// here (RFC 9111 §5.2.2.3).
func (d *Directives) noStore(status int) bool {
	return d.NoStore && !(d.MustUnderstand && understood(status))
}

// forbidsStale reports an explicit prohibition of serving stale (RFC 9111
// §4.2.4). s-maxage is one: §5.2.2.10 gives it the meaning of proxy-revalidate,
// even beside stale-while-revalidate. An origin that wants both for us says
// max-age and stale-while-revalidate in CDN-Cache-Control.
func (d *Directives) forbidsStale() bool {
	return d.MustRevalidate || d.ProxyRevalidate || d.SMaxAge != absent
}
