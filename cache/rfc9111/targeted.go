package rfc9111

import (
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"edged/cache/object"
)

// The targeted fields (RFC 9213) of our target list, in the order in which they
// are tried. The first one that is there, not empty and parses as a structured
// dictionary replaces Cache-Control and Expires altogether. One that does not
// parse, or that gives a lifetime of the wrong type, is ignored as a whole (§2.1).
const (
	// OwnField speaks to this kind of node only.
	OwnField = "Edged-Cache-Control"
	// CDNField speaks to every CDN on the way (RFC 9213 §3.1).
	CDNField = "CDN-Cache-Control"
)

// targeted returns the directives of the first targeted field that can be used.
func targeted(h object.Header) (Directives, bool) {
	for _, field := range [...]string{OwnField, CDNField} {
		if lines := linesOf(h, field); len(lines) > 0 {
			if d, ok := parseTargeted(lines); ok {
				return d, true
			}
		}
	}
	return Directives{}, false
}

func linesOf(h object.Header, name string) (lines []string) {
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			lines = append(lines, h[i].Value)
		}
	}
	return lines
}

// parseTargeted reads the lines of one targeted field. ok is false when the field
// is to be ignored.
func parseTargeted(lines []string) (d Directives, ok bool) {
	dict, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil || len(dict.Names()) == 0 {
		return Directives{}, false
	}
	d = noDirectives()
	d.Targeted = true
	for _, name := range dict.Names() {
		var value any
		if member, _ := dict.Get(name); member != nil {
			if item, isItem := member.(httpsfv.Item); isItem {
				value = item.Value
			}
		}
		if !d.addTargeted(name, value) {
			return Directives{}, false
		}
	}
	return d, true
}

// addTargeted adds one dictionary member; parameters do not count (RFC 9213
// §2.1). It returns false when a span is not an Integer.
func (d *Directives) addTargeted(name string, value any) bool {
	if span := d.span(name); span != nil {
		n, ok := value.(int64)
		*span = time.Duration(max(0, min(n, 1<<31))) * time.Second
		return ok
	}
	if value == false { // name=?0: said not to apply
		return true
	}
	allowed := value == true // what permits must be exactly ?1, what forbids may be anything
	switch name {
	case "no-store":
		d.NoStore = true
	case "no-cache":
		d.NoCache = d.NoCache || !d.listed(value)
	case "private":
		d.Private = d.Private || !d.listed(value)
	case "must-revalidate":
		d.MustRevalidate = true
	case "proxy-revalidate":
		d.ProxyRevalidate = true
	case "public":
		d.Public = allowed
	case "must-understand":
		d.MustUnderstand = allowed
	case "immutable":
		d.Immutable = allowed
	}
	return true
}

// listed takes a field name list from the value of private or no-cache.
func (d *Directives) listed(value any) bool {
	switch v := value.(type) {
	case string:
		return d.addFields(v)
	case httpsfv.Token:
		return d.addFields(string(v))
	}
	return false
}
