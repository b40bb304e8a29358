package edge

import (
	"errors"
	"io"
	"slices"
	"strings"

	"edged/cache"
	"edged/cache/object"
	"edged/cache/rfc9111"
	"edged/internal/target"
	"edged/origin"
)

// maxContent bounds, in bytes, the content of an unsafe request. It is held in
// memory, because it may have to be sent to another origin when the first one
// cannot be reached.
const maxContent = 1 << 20

// maxUploads bounds how many unsafe requests are under way, and so the memory they
// hold: it is the only memory of requests outside of the arena.
const maxUploads = 64

// passes reports whether the site hands requests of an unsafe method on.
func (s *Site) passes(method string) bool { return slices.Contains(s.Methods, method) }

// passOn hands an unsafe request to the origin and its answer to the client. What
// it changed is invalidated (RFC 9111 §4.4) before the client knows.
func (e *Edge) passOn(x *Exchange) {
	select {
	case e.uploads <- struct{}{}:
		defer func() { <-e.uploads }()
	default:
		x.out.Detail, x.Resp.Close = DetailNoMemory, true
		e.refuse(x, 503)
		return
	}
	content, ok := e.content(x)
	if !ok {
		return
	}
	x.out.Forward = ForwardMethod
	x.resolved = append(x.resolved[:0], x.key...)
	fill := e.cache.Alone(x.key)
	defer fill.Leave()
	job := x.newFetch(nil)
	job.request.Method, job.body, job.start = string(x.Req.Method), content, 0
	for _, name := range aboutContent() {
		if v := x.handedOn(name); v != nil && !x.site.forwards(name) {
			job.forwarded = append(job.forwarded, object.Field{Name: name, Value: string(v)})
		}
	}
	e.startFetch(fill, job)
	x.await(fill, job)
	x.leading = true
	if err := fill.Err(); err != nil {
		x.fault = faultOf(err, fill.Status())
		e.failed(x, nil, err)
		return
	}
	x.out.FwdStatus, x.out.Tier = fill.Status(), cache.TierOrigin
	o := fill.Object()
	e.whole(x, o, o.Meta())
}

// aboutContent lists the fields without which an unsafe request means something else:
// what its content is, and under which conditions it is to be applied.
func aboutContent() []string {
	return []string{
		"Content-Type", "Content-Encoding", "Content-Language", "Content-Range",
		"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
	}
}

// content reads what the client sends, nil when that is nothing.
func (e *Edge) content(x *Exchange) ([]byte, bool) {
	if x.Req.Body == nil {
		return nil, true
	}
	b, err := io.ReadAll(io.LimitReader(x.Req.Body, maxContent+1))
	switch {
	case err != nil:
		x.out.Detail, x.Resp.Close = DetailProtocol, true
		return nil, e.refuse(x, 408)
	case len(b) > maxContent:
		x.out.Detail, x.Resp.Close = DetailTooLarge, true
		return nil, e.refuse(x, 413)
	}
	return b, true
}

// changed forgets what the answer to an unsafe request makes invalid: the target
// itself, and what Location and Content-Location name at the same site.
func (e *Edge) changed(fill *cache.Fill, f *fetch, resp *origin.Response) {
	if !rfc9111.Invalidates(f.request.Method, resp.Status) {
		return
	}
	e.cache.Invalidate([]byte(fill.Key()))
	account, site, _ := fill.Key().Parts()
	for _, name := range []string{"Location", "Content-Location"} {
		if key, err := f.site.keyOf(account, site, resp.Header.Get(name)); err == nil {
			e.cache.Invalidate(key)
		}
	}
}

var errElsewhere = errors.New("edge: reference to another site")

// keyOf returns the primary cache key of a reference that an origin made: an
// absolute path, or a URL at a host of the site. Relative references are left
// alone: what they are relative to is the origin's business.
func (s *Site) keyOf(account, name, reference string) ([]byte, error) {
	if !strings.HasPrefix(reference, "/") && !strings.HasPrefix(reference, "http") {
		return nil, errElsewhere
	}
	authority, path, query, why := target.Split([]byte(reference))
	if authority != nil {
		host, _, bad := target.Host(authority, nil)
		if bad != target.OK || !s.wildcard && !slices.Contains(s.Hosts, string(host)) {
			return nil, errElsewhere
		}
		if s.wildcard {
			name = "*" + string(host)
		}
	}
	canonical, _, bad := target.Canonical(path, nil)
	if why != target.OK || bad != target.OK {
		return nil, errElsewhere
	}
	return object.AppendKey(nil, account, name, target.AppendEncoded(nil, canonical), s.Query.Append(nil, query)), nil
}
