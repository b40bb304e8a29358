package edge

import (
	"slices"
	"strings"
	"time"
	"unsafe"

	"edged/cache"
	"edged/cache/object"
	"edged/cache/rfc9111"
	"edged/internal/byterange"
)

// reset begins the header of a response with the given status.
func (x *Exchange) reset(status int) {
	x.Resp.Status, x.Resp.Size, x.Resp.Body = status, 0, nil
	x.out.Status = status
	clear(x.header)
	x.header = x.header[:0]
}

// field appends one field line. The value must live until Finish.
func (x *Exchange) field(name, value string) {
	x.header = append(x.header, object.Field{Name: name, Value: value})
}

// replace puts one line of a field in the place of whatever the header has of it.
func (x *Exchange) replace(name, value string) {
	x.drop(name)
	x.field(name, value)
}

// drop takes all lines of a field out of the header.
func (x *Exchange) drop(name string) {
	x.header = slices.DeleteFunc(x.header, func(f object.Field) bool { return strings.EqualFold(f.Name, name) })
}

// finishHeader appends what every response has and publishes the header.
func (x *Exchange) finishHeader() {
	if x.site != nil {
		x.cors()
		if x.site.HSTS != "" && x.Req.TLS != 0 {
			x.replace("Strict-Transport-Security", x.site.HSTS) // of several the first would count (RFC 6797 §8.1)
		}
	}
	x.field("Cache-Status", x.value(x.out.appendCacheStatus))
	x.field("X-Request-Id", borrowed(x.trace[:]))
	x.Resp.Header = x.header
}

// text makes s the body; for HEAD only its length counts.
func (x *Exchange) text(s string) {
	x.Resp.Size = int64(len(s))
	if len(s) == 0 || borrowed(x.Req.Method) == "HEAD" {
		return
	}
	x.note = text{bytes: unsafe.Slice(unsafe.StringData(s), len(s))}
	x.Resp.Body = &x.note
}

// respond completes the response from a stored (or filling) object: conditions,
// range, header, body.
func (e *Edge) respond(x *Exchange, o *cache.Object, m *object.Meta) {
	if x.rewrites(m) {
		e.rewritten(x, o, m)
		return
	}
	if form, meta := e.coded(x, o, m); form != nil {
		e.cache.Done(o)
		o, m = form, meta
	}
	x.out.TTL, x.out.HasTTL = m.Freshness.TTL(x.now), x.out.FwdStatus == 0 || x.out.Stored
	switch x.conditions().Evaluate(m) {
	case rfc9111.NotModified:
		e.notModified(x, o, m)
	case rfc9111.Failed:
		x.out.Detail = DetailPrecondition
		e.release(x, o)
		e.refuse(x, 412)
	default:
		e.selectRange(x, o, m)
	}
}

// release ends the use of an object whose body is not sent.
func (e *Edge) release(x *Exchange, o *cache.Object) {
	x.out.Tier = x.tierOf(o)
	e.cache.Done(o)
}

// conditions returns the conditional fields of the request. Lines of those that are no
// lists are joined, too: then they are malformed, as RFC 9110 §5.5 has it, and no line
// counts more than another.
func (x *Exchange) conditions() *rfc9111.Conditions {
	c := &x.cond
	*c = rfc9111.Conditions{
		IfMatch: x.joined("If-Match"), IfNoneMatch: x.joined("If-None-Match"),
		IfModifiedSince: x.joined("If-Modified-Since"), IfUnmodifiedSince: x.joined("If-Unmodified-Since"),
		IfRange: x.joined("If-Range"),
	}
	return c
}

// rangeField returns the Range field of the request, nil when there is none that
// counts: the RFC defines it for GET only (RFC 9110 §14.2). Two lines of it are none,
// because what they make together is malformed.
func (x *Exchange) rangeField() []byte {
	if borrowed(x.Req.Method) == "HEAD" {
		return nil
	}
	return x.joined("Range")
}

// selectRange answers a Range request from the blocks, or with the whole body
// where the range does not apply or is malformed.
func (e *Edge) selectRange(x *Exchange, o *cache.Object, m *object.Meta) {
	ask := x.rangeField()
	size := o.Size()
	if ask == nil || m.Status != 200 || size < 0 || !x.cond.RangeApplies(m) {
		e.whole(x, o, m)
		return
	}
	ranges, outcome := byterange.Parse(ask, size, x.ranges[:0])
	x.ranges = ranges
	switch {
	case outcome == byterange.Unsatisfiable:
		e.unsatisfiable(x, o, size)
	case outcome == byterange.Partial && len(ranges) == 1:
		e.partial(x, o, m, ranges[0])
	case outcome == byterange.Partial && !o.Transient(): // which is gone once it was read
		e.several(x, o, m, ranges)
	default:
		e.whole(x, o, m)
	}
}

func (e *Edge) whole(x *Exchange, o *cache.Object, m *object.Meta) {
	x.reset(m.Status)
	e.open(x, o, 0, -1)
	x.stored(m)
	x.finishHeader()
	x.Resp.Size = o.Size()
	x.attach()
}

func (e *Edge) partial(x *Exchange, o *cache.Object, m *object.Meta, r byterange.Range) {
	x.rangeAsk = r
	x.reset(206)
	e.open(x, o, r.Start, r.End)
	x.stored(m)
	x.drop("Content-Range") // in a 200 it had no meaning (RFC 9110 §14.4)
	x.field("Content-Range", x.value(func(b []byte) []byte { return byterange.AppendContentRange(b, r, o.Size()) }))
	x.finishHeader()
	x.Resp.Size = r.End - r.Start
	x.attach()
}

func (e *Edge) notModified(x *Exchange, o *cache.Object, m *object.Meta) {
	x.out.Detail = DetailNotModified
	e.release(x, o)
	x.reset(304)
	for i := range m.Header {
		if !aboutBody(m.Header[i].Name) {
			x.header = append(x.header, m.Header[i])
		}
	}
	x.varies()
	x.personal()
	x.age(m)
	x.finishHeader()
	x.Resp.Size = -1
}

// aboutBody reports whether a field describes content that a 304 does not carry
// (RFC 9110 §15.4.5).
func aboutBody(name string) bool {
	const prefix = "content-"
	return len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) &&
		!strings.EqualFold(name, "Content-Location")
}

func (e *Edge) unsatisfiable(x *Exchange, o *cache.Object, size int64) {
	x.out.Detail = DetailUnsatisfiable
	e.release(x, o)
	x.reset(416)
	x.field("Content-Range", x.value(func(b []byte) []byte { return byterange.AppendUnsatisfied(b, size) }))
	x.field("Content-Type", "text/plain; charset=utf-8")
	x.field("Cache-Control", "no-store")
	x.finishHeader()
	x.text(refusal(416))
}

// open starts reading o; it comes before the header, which names the tier.
func (e *Edge) open(x *Exchange, o *cache.Object, start, end int64) {
	if x.out.Hit && !o.Holds(start, end) {
		x.out.Hit, x.out.Forward = false, ForwardPartial
	}
	x.out.Tier = x.tierOf(o)
	x.body.refills = 0
	x.body.reader.Open(o, start, end)
	if x.leading {
		x.body.reader.Lead()
	}
}

// tierOf says where the object is, or where it is coming from.
func (x *Exchange) tierOf(o *cache.Object) cache.Tier {
	if x.out.Tier != cache.TierNone {
		return x.out.Tier
	}
	return cache.TierRAM
}

// attach makes the open reader the body, unless nothing follows the header.
func (x *Exchange) attach() {
	if x.Resp.Size == 0 || borrowed(x.Req.Method) == "HEAD" || !bodied(x.Resp.Status) {
		x.body.Close()
		return
	}
	x.Resp.Body = &x.body
}

// bodied reports whether a response of this status may have content.
func bodied(status int) bool { return status >= 200 && status != 204 && status != 304 }

// stored appends the fields of a stored response and its age.
func (x *Exchange) stored(m *object.Meta) {
	x.header = append(x.header, m.Header...)
	represents := m.Status == 200 && x.out.Forward != ForwardMethod // the target, not what became of an action
	if represents {
		x.varies()
		x.personal()
	}
	x.age(m)
	if represents {
		x.replace("Accept-Ranges", "bytes") // whatever the origin can or cannot do
	}
}

// age appends Age to whatever was not fetched for this very request
// (RFC 9111 §5.1).
func (x *Exchange) age(m *object.Meta) {
	f := &m.Freshness
	if x.out.Hit || x.out.Collapsed || f.Age(x.now) >= time.Second {
		x.field("Age", x.value(func(b []byte) []byte { return rfc9111.AppendAge(b, f, x.now) }))
	}
}
