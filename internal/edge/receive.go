package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"edged/cache"
	"edged/cache/object"
	"edged/cache/rfc9111"
	"edged/internal/byterange"
	"edged/internal/media"
	"edged/origin"
)

// receive publishes the header of an answer and pumps its body. again asks for a
// second try without conditions.
func (e *Edge) receive(ctx context.Context, fill *cache.Fill, f *fetch, resp *origin.Response) (again bool, err error) {
	if f.site.passes(f.request.Method) {
		e.changed(fill, f, resp)
		if resp.Status == 206 || resp.Status == 304 {
			return false, unasked(resp)
		}
		return false, e.take(ctx, fill, f, resp, e.newMeta(f, resp, resp.Size), 0)
	}
	switch {
	case resp.Status == 304 && f.stored != nil && !f.plain:
		return e.freshen(fill, f, resp), nil
	case resp.Status == 206:
		return e.receivePart(ctx, fill, f, resp)
	case resp.Status == 416 && f.start > 0 && !f.plain:
		return true, nil
	case resp.Status == 304 || resp.Status < 200:
		return false, unasked(resp)
	case resp.Status >= 500 && !e.passesError(f):
		return false, fmt.Errorf("%w: %d", errOriginStatus, resp.Status)
	}
	m := e.newMeta(f, resp, resp.Size)
	return false, e.take(ctx, fill, f, resp, m, 0)
}

// unasked is the error of an answer that only another request could have had.
func unasked(resp *origin.Response) error {
	return fmt.Errorf("%w: status %d without being asked", origin.ErrProtocol, resp.Status)
}

// passesError reports whether the origin's own 5xx is what viewers get: the site
// wants that, and there is nothing stale that may be served instead.
func (e *Edge) passesError(f *fetch) bool {
	if !f.site.PassErrors {
		return false
	}
	return f.stored == nil || !rfc9111.MayServeOnError(&f.stored.Meta().Freshness, rfc9111.NoWishes(), e.now().UnixNano())
}

// take publishes the header, once there is memory for what follows, and pumps the
// body, which begins at offset.
func (e *Edge) take(ctx context.Context, fill *cache.Fill, f *fetch, resp *origin.Response, m *object.Meta, offset int64) error {
	if m.Size > object.MaxSize {
		return fmt.Errorf("%w: a body of %d bytes, more than %d", origin.ErrProtocol, m.Size, int64(object.MaxSize))
	}
	if err := fill.Reserve(ctx, m.Size, offset); err != nil {
		return err
	}
	if err := e.start(ctx, fill, f, resp, m, offset); err != nil {
		return err
	}
	return e.pump(ctx, fill, f, resp)
}

// freshen ends a validation. A 304 that speaks of another version than ours, or of
// one that was evicted meanwhile, is of no use: ask again without conditions.
func (e *Edge) freshen(fill *cache.Fill, f *fetch, resp *origin.Response) (again bool) {
	old := f.stored.Meta()
	if !rfc9111.SameVersion(old, resp.Status, resp.Header) || !f.stored.Readable() {
		return true
	}
	d := f.class.Defaults()
	if f.class == media.Manifest { // what its scan found still holds
		d.Lifetime, d.StaleWhileRevalidate = old.Freshness.Lifetime, old.Freshness.StaleWhileRevalidate
	}
	m := rfc9111.Freshen(old, resp.Header, f.policy(d).Defaults, f.requested, e.now().UnixNano())
	m.Freshness.Flags |= old.Freshness.Flags & object.Resumable
	f.tag(m)
	return !fill.Freshened(f.stored, m) // purged since: it is void, whatever the origin says of it
}

// receivePart takes a 206 that we asked for in order to begin at a seek. Without a
// strong validator its blocks can never be completed: it is passed through.
func (e *Edge) receivePart(ctx context.Context, fill *cache.Fill, f *fetch, resp *origin.Response) (again bool, err error) {
	r, size, ok := byterange.ParseContentRange(resp.Header.Get("Content-Range"))
	if f.start == 0 || f.plain || !ok || r.Start != f.start || r.End != size {
		if f.plain || f.start == 0 {
			return false, fmt.Errorf("%w: %q", errOriginRange, resp.Header.Get("Content-Range"))
		}
		return true, nil
	}
	m := e.newMeta(f, resp, size)
	if m.Freshness.Flags&object.Resumable == 0 {
		return true, nil
	}
	return false, e.take(ctx, fill, f, resp, m, f.start)
}

// start publishes m as a stored object if it may be stored, else as one that is
// only passed through.
func (e *Edge) start(ctx context.Context, fill *cache.Fill, f *fetch, resp *origin.Response, m *object.Meta, offset int64) error {
	why := f.policy(f.class.Defaults()).Storable(&f.request, m.Status, resp.Header)
	names, star := rfc9111.Vary(resp.Header)
	names = f.site.forwarded(names)
	switch {
	case star || resp.CloseDelimited || why != rfc9111.OK:
		shared := !star && (why == rfc9111.OK || why == rfc9111.NoLifetime) && len(names) == 0 && m.Size <= cache.MaxShared
		if !shared && f.request.Method == "GET" {
			fill.DontCollapse(e.now().UnixNano())
		}
		if f.stored != nil && replaces(m.Status) {
			f.stored.Forget()
		}
		_, err := fill.StartTransient(ctx, m, offset, shared)
		return err
	case len(names) > 0:
		fill.Rekey(names, f.selecting)
		fill.Storage(e.storage(f))
		fill.Start(m, offset)
	default:
		fill.Storage(e.storage(f))
		fill.Start(m, offset)
	}
	return nil
}

// replaces reports whether an answer of this status says what the resource is now,
// so that what was stored of it is over even if the answer may not be stored.
// Refusals and faults (403, 429, …) say nothing of the kind.
func replaces(status int) bool {
	return status < 400 || status == 404 || status == 410
}

// forwarded leaves of the selecting fields those that the origin gets to see:
// what it never sees cannot have selected anything.
func (s *Site) forwarded(names []string) []string {
	kept := names[:0:0]
	for _, n := range names {
		if s.forwards(n) {
			kept = append(kept, n)
		}
	}
	return kept
}

// newMeta describes the response as an object of size bytes (-1: not known yet).
func (e *Edge) newMeta(f *fetch, resp *origin.Response, size int64) *object.Meta {
	p, received := f.policy(f.class.Defaults()), e.now().UnixNano()
	m := &object.Meta{
		Account: f.site.Account, Status: resp.Status, Size: size, Class: uint8(f.class),
		Header:    p.StoredHeader(resp.Status, resp.Header, received),
		Freshness: rfc9111.Compute(resp.Status, resp.Header, p.Defaults, f.requested, received),
	}
	f.tag(m)
	if m.Status == 206 {
		m.Status = 200
	}
	if m.Status == 200 && size > 0 && strongValidator(m) {
		m.Freshness.Flags |= object.Resumable
	}
	return m
}

// strongValidator reports whether byte ranges of two answers may be put together
// (RFC 9110 §8.8.2.2, §8.8.3.2).
func strongValidator(m *object.Meta) bool {
	if tag := m.Header.Get("ETag"); tag != "" {
		return !strings.HasPrefix(tag, "W/")
	}
	modified, ok := rfc9111.ParseDate(m.Header.Get("Last-Modified"))
	date, dated := rfc9111.ParseDate(m.Header.Get("Date"))
	return ok && dated && date-modified >= 60
}

// complete continues an object with a range. Bytes of another version must never
// join it: then the object is broken and its readers are cut.
func (e *Edge) complete(ctx context.Context, fill *cache.Fill, f *fetch, resp *origin.Response) error {
	m := fill.Object().Meta()
	switch {
	case resp.Status >= 400 && !replaces(resp.Status) && resp.Status != 412 && resp.Status != 416:
		return fmt.Errorf("%w: %d", errOriginStatus, resp.Status)
	case resp.Status != 206 && resp.Status != 200, !rfc9111.SameVersion(m, 206, resp.Header):
		fill.Kill(errOriginChanged) // a whole body needs the same strong proof as a part
		return nil
	}
	at := int64(0)
	if resp.Status == 206 {
		r, size, ok := byterange.ParseContentRange(resp.Header.Get("Content-Range"))
		if !ok || r.Start != fill.Next() || size >= 0 && size != m.Size {
			fill.Kill(errOriginRange)
			return nil
		}
		at = r.Start
	} else if resp.Size >= 0 && resp.Size != m.Size {
		fill.Kill(errOriginChanged)
		return nil
	}
	// An origin that ignored Range sends what comes before it, too.
	skipped, err := io.CopyN(io.Discard, resp, fill.Next()-at)
	f.site.counters.fetched.Add(uint64(skipped))
	if err != nil {
		return err
	}
	return e.pump(ctx, fill, f, resp)
}

// pump moves the body into the arena until its framing ends.
func (e *Edge) pump(ctx context.Context, fill *cache.Fill, f *fetch, resp *origin.Response) error {
	var extra [1]byte
	for {
		room, err := fill.Buffer(ctx)
		if errors.Is(err, cache.ErrAbandoned) {
			return fill.Commit(nil, true)
		}
		if err != nil {
			return err
		}
		full := len(room) == 0
		if full {
			room = extra[:]
		}
		n, err := resp.Read(room)
		f.site.counters.fetched.Add(uint64(n))
		switch {
		case full && n > 0 && fill.Limit() >= 0:
			return fill.Commit(nil, false) // a 200 goes on beyond the range that was wanted
		case full && n > 0:
			return cache.ErrTooLong
		case !full:
			fill.Advance(n)
		}
		if err == io.EOF { //nolint:errorlint // io.Reader
			return fill.Commit(e.final(fill, f), false)
		}
		if err != nil {
			return err
		}
	}
}

// final looks into a manifest once it is there: how long a playlist lives depends
// on what it says, where the origin says nothing.
func (e *Edge) final(fill *cache.Fill, f *fetch) *object.Meta {
	o := fill.Object()
	if f.class != media.Manifest || o.Transient() || o.Meta().Status != 200 {
		return nil
	}
	var found media.ManifestInfo
	fill.Prefix(func(b []byte) { found = media.Scan(b) })
	d := found.Defaults()
	if found.Live {
		e.live.mark(f.site, f.target, e.now())
	}
	m := *o.Meta()
	was := m.Freshness
	m.Freshness = rfc9111.Compute(m.Status, m.Header, f.policy(d).Defaults, f.requested, was.Received)
	m.Freshness.Flags |= was.Flags & object.Resumable
	m.Freshness.InitialAge = was.InitialAge
	if !found.Live || m.Freshness.Lifetime >= liveFor {
		fill.Storage(f.site.Storage)
	}
	return &m
}
