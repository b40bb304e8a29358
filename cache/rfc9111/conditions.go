package rfc9111

import "edged/cache/object"

// Conditions are the preconditions of a client's GET or HEAD (RFC 9110 §13.1).
// Each is all lines of its field joined by ", ", nil when absent, and borrowed
// for the call.
type Conditions struct{ IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince, IfRange []byte }

// Precondition is the outcome of evaluating conditions.
type Precondition uint8

const (
	// Proceed: answer as if there were no conditions; If-Range decides about a range.
	Proceed Precondition = iota
	// NotModified: answer 304.
	NotModified
	// Failed: answer 412.
	Failed
)

// String returns the outcome's stable word.
func (p Precondition) String() string {
	switch p {
	case Proceed:
		return "proceed"
	case NotModified:
		return "not_modified"
	}
	return "failed"
}

// Evaluate applies the conditions to a stored response in the order of RFC 9110
// §13.2.2. A date that cannot be read is as if the field were absent, and a
// response that is no success is not subject to conditions (§13.2.1). It
// allocates nothing.
func (c *Conditions) Evaluate(m *object.Meta) Precondition {
	if c.none() || !successful(m.Status) {
		return Proceed
	}
	if c.unmet(m) {
		return Failed
	}
	switch {
	case c.IfNoneMatch != nil:
		if tagInList(c.IfNoneMatch, m.Header.Get("ETag"), false) {
			return NotModified
		}
	case c.IfModifiedSince != nil:
		if since, ok := parseDateBytes(c.IfModifiedSince); ok && storedTime(m) <= since {
			return NotModified
		}
	}
	return Proceed
}

func (c *Conditions) none() bool {
	return c.IfMatch == nil && c.IfNoneMatch == nil && c.IfModifiedSince == nil && c.IfUnmodifiedSince == nil
}

// unmet evaluates If-Match or, without it, If-Unmodified-Since.
func (c *Conditions) unmet(m *object.Meta) bool {
	if c.IfMatch != nil {
		return !tagInList(c.IfMatch, m.Header.Get("ETag"), true)
	}
	if c.IfUnmodifiedSince == nil {
		return false
	}
	limit, ok := parseDateBytes(c.IfUnmodifiedSince)
	modified, known := ParseDate(m.Header.Get("Last-Modified"))
	return ok && known && modified > limit
}

// storedTime is what If-Modified-Since is compared with: Last-Modified, else
// Date, else the time of receipt (RFC 9111 §4.3.2).
func storedTime(m *object.Meta) (unix int64) {
	if modified, ok := ParseDate(m.Header.Get("Last-Modified")); ok {
		return modified
	}
	return dateOrReceived(m.Header, m.Freshness.Received)
}

// RangeApplies reports whether a Range of the request may be honoured (RFC 9110
// §13.1.5): there is no If-Range, or it is the stored strong entity tag, or it is
// exactly the stored Last-Modified and that is strong. It allocates nothing.
func (c *Conditions) RangeApplies(m *object.Meta) bool {
	if c.IfRange == nil {
		return true
	}
	validator := trimBoth(c.IfRange)
	if etag := m.Header.Get("ETag"); strong(etag) && string(validator) == etag {
		return true
	}
	if len(validator) == 0 || validator[0] == '"' {
		return false
	}
	date, ok := parseDateBytes(validator)
	modified, known := strongDate(m)
	return ok && known && date == modified
}

// strongDate returns Last-Modified when it is a strong validator: at least a
// second before Date, so the representation did not change twice within it (RFC
// 9110 §8.8.2.2).
func strongDate(m *object.Meta) (unix int64, ok bool) {
	modified, ok := ParseDate(m.Header.Get("Last-Modified"))
	return modified, ok && modified < dateOrReceived(m.Header, m.Freshness.Received)
}

// AppendValidators appends to dst the fields that make a request to the origin a
// validation of m (RFC 9111 §4.3.1): If-None-Match with the stored ETag as the
// origin sent it, and If-Modified-Since with a readable Last-Modified. It appends nothing when m has neither.
func AppendValidators(dst object.Header, m *object.Meta) object.Header {
	if etag := m.Header.Get("ETag"); etag != "" {
		dst = append(dst, object.Field{Name: "If-None-Match", Value: etag})
	}
	modified := m.Header.Get("Last-Modified")
	if _, ok := ParseDate(modified); ok {
		dst = append(dst, object.Field{Name: "If-Modified-Since", Value: modified})
	}
	return dst
}
