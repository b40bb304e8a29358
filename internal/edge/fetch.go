package edge

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"edged/cache"
	"edged/cache/object"
	"edged/cache/rfc9111"
	"edged/internal/byterange"
	"edged/internal/media"
	"edged/origin"
)

var (
	errOriginStatus  = errors.New("edge: origin answered with an error")
	errOriginRange   = errors.New("edge: origin sent another range than asked for")
	errOriginChanged = errors.New("edge: origin has another version now")
	errPanic         = errors.New("edge: panic in a fetch")
)

// fetch is one job for an origin. It owns everything it holds: the request that
// caused it may be gone long before it ends.
type fetch struct {
	site      *Site
	class     media.Class
	target    string
	forwarded object.Header   // allow-listed fields of the client's request
	selecting selecting       // the same, for Vary
	request   rfc9111.Request // what decides about storing
	stored    *cache.Object   // to be validated or completed; nil on a plain miss
	start     int64           // first byte wanted of an object that is not known yet
	requested int64           // when the request was sent, Unix nanoseconds
	body      []byte          // content of an unsafe request
	interim   chan interim    // nil when nobody wants interim responses
	plain     bool            // neither conditional nor a range: the second try
}

// selecting answers for the request that caused a fetch after it has ended.
type selecting object.Header

// AppendSelecting implements cache.Selecting.
func (s selecting) AppendSelecting(dst []byte, name string) []byte {
	return rfc9111.NormalizeSelecting(name, []byte(object.Header(s).Joined(name)), dst)
}

// newFetch copies what a fetch needs of the request. stored is the object to
// validate or to complete, if any.
func (x *Exchange) newFetch(stored *cache.Object) *fetch {
	f := &fetch{
		site: x.site, class: x.out.Class, target: string(x.encoded), stored: stored,
		request: rfc9111.Request{Method: "GET"},
	}
	for _, name := range x.site.Forward {
		v := x.handedOn(name)
		if strings.EqualFold(name, "Accept-Encoding") && v != nil {
			// Requests that compare as alike must be alike for the origin: else it could choose
			// for one a coding that another does not accept.
			if v = rfc9111.NormalizeSelecting("accept-encoding", v, nil); len(v) == 0 {
				continue
			}
		}
		if v != nil {
			f.forwarded = append(f.forwarded, object.Field{Name: name, Value: string(v)})
		}
	}
	f.selecting = selecting(f.forwarded)
	f.request.Authorization = f.forwarded.Has("Authorization")
	if v := x.joined("CDN-Loop"); v != nil {
		f.forwarded = append(f.forwarded, object.Field{Name: "CDN-Loop", Value: string(v)})
	}
	f.forwarded = append(f.forwarded,
		object.Field{Name: "User-Agent", Value: "edged"},
		object.Field{Name: "X-Forwarded-Host", Value: x.publicHost()},
		object.Field{Name: "X-Forwarded-Proto", Value: x.site.PublicScheme})
	f.start = x.seekStart(stored)
	if x.Req.Interim != nil {
		f.interim = make(chan interim, maxInterim)
	}
	return f
}

// seekStart returns where to begin with an object that is not known yet: at the
// start, unless the client asks for a range that begins beyond the first block.
func (x *Exchange) seekStart(stored *cache.Object) int64 {
	if stored != nil || x.Req.Header.Get("If-Range") != nil {
		return 0
	}
	const tooFar = int64(1) << 61 // no body is that long
	first, _, ok := byterange.Single(x.rangeField())
	if !ok || first < 0 || first >= tooFar {
		return 0
	}
	return first / object.BlockSize * object.BlockSize
}

// startFetch runs f on a goroutine of its own, which the edge waits for.
func (e *Edge) startFetch(fill *cache.Fill, f *fetch) {
	ctx, cancel := context.WithCancel(e.ctx)
	fill.OnStop(cancel)
	e.fetchers.Go(func() {
		defer cancel()
		defer e.recoverFetch(fill)
		e.run(ctx, fill, f)
	})
}

// recoverFetch makes a panic the end of one fill, not of the process.
func (e *Edge) recoverFetch(fill *cache.Fill) {
	if p := recover(); p != nil {
		e.errors.Error("panic in a fetch", "stack", Stack())
		fill.Abort(errPanic)
	}
}

// run fetches once, and once more without conditions when the answer to those is
// of no use.
func (e *Edge) run(ctx context.Context, fill *cache.Fill, f *fetch) {
	again, err := e.attempt(ctx, fill, f)
	if again {
		f.plain = true
		_, err = e.attempt(ctx, fill, f)
	}
	if err == nil {
		return
	}
	if f.stored != nil && ctx.Err() == nil && errors.Is(err, origin.ErrTimeout) { // who fails at once costs no viewer time
		f.stored.Unvalidated(e.now().Add(retryInterval).UnixNano())
	}
	fill.Abort(err)
}

func (e *Edge) attempt(ctx context.Context, fill *cache.Fill, f *fetch) (again bool, err error) {
	f.requested = e.now().UnixNano()
	resp, err := f.site.Origins.Fetch(ctx, f.originRequest(fill))
	if err != nil {
		return false, err
	}
	defer resp.Close()
	fill.SetStatus(resp.Status)
	if fill.Object() != nil {
		return false, e.complete(ctx, fill, f, resp)
	}
	return e.receive(ctx, fill, f, resp)
}

// originRequest writes the request: allow-listed fields, conditions, range.
func (f *fetch) originRequest(fill *cache.Fill) *origin.Request {
	r := &origin.Request{Method: f.request.Method, Body: f.body, Target: f.target, Header: f.forwarded[:len(f.forwarded):len(f.forwarded)]}
	if f.interim != nil {
		r.Interim = f.early
	}
	r.Hold = strings.Contains(f.target, "_HLS_msn=")
	switch {
	case fill.Object() != nil:
		r.Header = append(r.Header, rangeField(fill.Next(), fill.Limit()))
		if v := validator(fill.Object().Meta()); v != "" {
			r.Header = append(r.Header, object.Field{Name: "If-Range", Value: v})
		}
	case f.plain:
	case f.stored != nil:
		r.Header = rfc9111.AppendValidators(r.Header, f.stored.Meta())
	case f.start > 0:
		r.Header = append(r.Header, rangeField(f.start, -1))
	}
	return r
}

// rangeField asks for [start, end), to the end of the body when end is -1.
func rangeField(start, end int64) object.Field {
	v := strconv.AppendInt([]byte("bytes="), start, 10)
	v = append(v, '-')
	if end >= 0 {
		v = strconv.AppendInt(v, end-1, 10)
	}
	return object.Field{Name: "Range", Value: string(v)}
}

// validator returns what If-Range may name: a strong entity tag or a date.
func validator(m *object.Meta) string {
	if tag := m.Header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return m.Header.Get("Last-Modified")
}

// policy is what the site decides where the RFCs leave room, with the defaults of
// a media class for where the origin says nothing.
func (f *fetch) policy(d media.Defaults) *rfc9111.Policy {
	return &rfc9111.Policy{Cookies: f.site.Cookies, Defaults: rfc9111.Defaults{
		Lifetime: d.Lifetime, Negative: d.Negative,
		StaleWhileRevalidate: d.StaleWhileRevalidate, StaleIfError: d.StaleIfError,
		Heuristic: true,
	}}
}
