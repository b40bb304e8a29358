package rfc9111

import (
	"strconv"
	"strings"

	"edged/cache/object"
)

// Freshen returns old updated by the header of a 304, or of a 200 to HEAD, that
// [SameVersion] says is about it (RFC 9111 §4.3.4, §4.3.5). Fields of h replace
// the stored ones of the same name (§3.2); age and lifetime are computed anew from
// the result. The new Meta has the same Version, because the body is the same; old
// is not changed.
//
// A 304 that forbids storing (no-store, private) leaves a Meta that must be
// validated before every use.
func Freshen(old *object.Meta, h object.Header, d Defaults, requested, received int64) *object.Meta {
	m := *old
	m.Header = update(old.Header, h, received)
	m.Freshness = Compute(old.Status, m.Header, d, requested, received)
	m.Freshness.InitialAge = initialAge(h, requested, received)
	m.Freshness.Flags |= old.Freshness.Flags & object.VaryMarker
	return &m
}

// update merges the fields of a 304 into the stored ones. Its Date, or the time of
// receipt, always replaces the stored one: the age is counted from there.
func update(stored, h object.Header, received int64) object.Header {
	fresh := withDate(StripStored(h), received)
	merged := make(object.Header, 0, len(stored)+len(fresh))
	for _, field := range stored {
		if !fresh.Has(field.Name) || bound(field.Name) {
			merged = append(merged, field)
		}
	}
	for _, field := range fresh {
		if !bound(field.Name) || strings.EqualFold(field.Name, "ETag") && !stored.Has("ETag") {
			merged = append(merged, field)
		}
	}
	return strip(merged, true) // the 304 may bring a field that no-cache="…" of the stored response lists
}

// bound names the fields that describe the stored bytes themselves, so that a 304,
// which has none, must not change them (RFC 9111 §3.2). An entity tag is among
// them: what may follow is at most a weaker spelling of the same.
func bound(name string) bool {
	return strings.EqualFold(name, "Content-Encoding") ||
		strings.EqualFold(name, "Content-Range") ||
		strings.EqualFold(name, "ETag")
}

// SameVersion reports whether a response of the origin speaks of the stored
// version old.
//
//   - 304: it has the same strong validator, or, where only weak ones are at hand,
//     none that differs. A strong entity tag that is not the stored one never fits
//     (RFC 9111 §4.3.4).
//   - 206: both have the same strong validator, so that their bytes may be combined
//     (§3.4). The caller compares the complete length.
//   - any other status is taken for the answer to HEAD: nothing in it differs, the
//     length included (§4.3.5).
func SameVersion(old *object.Meta, status int, h object.Header) bool {
	switch status {
	case 304:
		return fits(old, h)
	case 206:
		return combines(old, h)
	}
	return status == old.Status && sameLength(old, h) && fits(old, h)
}

// fits reports that no validator of h contradicts old.
func fits(old *object.Meta, h object.Header) bool {
	stored, sent := old.Header.Get("ETag"), h.Get("ETag")
	switch {
	case strong(sent) && stored == "":
		return sameStrongDate(old, h)
	case strong(sent):
		return strongEqual(stored, sent)
	case stored != "" && sent != "":
		return weakEqual(stored, sent)
	}
	return !old.Header.Has("Last-Modified") || !h.Has("Last-Modified") || sameDate(old, h)
}

// sameDate reports that both have the same, readable Last-Modified.
func sameDate(old *object.Meta, h object.Header) bool {
	stored, known := ParseDate(old.Header.Get("Last-Modified"))
	sent, ok := ParseDate(h.Get("Last-Modified"))
	return known && ok && stored == sent
}

// combines reports that old and the 206 with header h share a strong validator.
func combines(old *object.Meta, h object.Header) bool {
	stored, sent := old.Header.Get("ETag"), h.Get("ETag")
	if stored != "" || sent != "" {
		return strongEqual(stored, sent)
	}
	return sameStrongDate(old, h)
}

func sameStrongDate(old *object.Meta, h object.Header) bool {
	_, ok := strongDate(old)
	return ok && sameDate(old, h)
}

func sameLength(old *object.Meta, h object.Header) bool {
	length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	return err != nil || old.Size < 0 || length == old.Size
}
