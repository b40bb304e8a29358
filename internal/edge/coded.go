package edge

import (
	"errors"
	"io"
	"strings"

	"edged/cache"
	"edged/cache/object"
	"edged/internal/coding"
	"edged/internal/media"
)

var errNotCoded = errors.New("edge: representation cannot be coded")

// codable reports whether responses of a class are text that is worth coding.
// Media segments are compressed already and are never touched.
func codable(c media.Class) bool { return c == media.Manifest || c == media.Subtitle }

// varies says that another Accept-Encoding could have got another form.
func (x *Exchange) varies() {
	if codable(x.out.Class) {
		x.field("Vary", "Accept-Encoding")
	}
}

// coded returns the coded form of a stored text that the client prefers, nil when
// it gets the text as it is: on a miss, with a range, until the form is made, or where
// the origin has coded it or forbids that. The form is made once for each version and kept beside it,
// under the object's key and its version, with a strong validator of its own.
// Freshness and fields are those of the object, which may have been freshened since.
func (e *Edge) coded(x *Exchange, o *cache.Object, m *object.Meta) (*cache.Object, *object.Meta) {
	if !x.out.Hit || !codable(x.out.Class) || x.Req.Header.Get("Range") != nil || !mayCode(m) {
		return nil, nil
	}
	c := coding.Negotiate(x.joined("Accept-Encoding"))
	if c == coding.Identity {
		return nil, nil
	}
	x.form.key = appendCodedKey(x.form.key[:0], o, m, c)
	form, _, _ := e.cache.Lookup(x.form.key, x, x.form.resolved[:0])
	if form == nil {
		e.code(x, o, m, c)
		return nil, nil
	}
	if !form.Readable() {
		return nil, nil
	}
	meta := form.Meta()
	if meta.Freshness.Received != m.Freshness.Received {
		meta = e.freshenCoded(x, form, m, c)
	}
	x.form.meta = *meta
	x.form.meta.Freshness = m.Freshness
	return form, &x.form.meta
}

// freshenCoded gives a coded form the fields of its object, which was validated
// since the form was made (RFC 9111 §4.3.4).
func (e *Edge) freshenCoded(x *Exchange, form *cache.Object, m *object.Meta, c coding.Coding) *object.Meta {
	meta := codedMeta(m, c, form.Size())
	if f := e.cache.Validate(x.form.key, form.Meta(), x.now); f != nil {
		defer f.Leave()
		if !f.Freshened(form, meta) {
			f.Abort(errNotCoded) // purged since
		}
	}
	return meta
}

// mayCode reports whether a stored response may be coded (RFC 9110 §7.7).
func mayCode(m *object.Meta) bool {
	return m.Status == 200 && m.Size >= coding.MinSize && m.Size <= coding.MaxSize &&
		!m.Header.Has("Content-Encoding") && mayTransform(m)
}

// appendCodedKey appends the key of a coded form: the object's own, extended.
func appendCodedKey(dst []byte, o *cache.Object, m *object.Meta, c coding.Coding) []byte {
	dst = append(append(dst, o.Key()...), "\x00coding="...)
	dst = append(append(dst, c.String()...), '@')
	return appendHex(dst, m.Version)
}

func appendHex(dst []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&15])
	}
	return dst
}

// code has the coded form made in the background, unless somebody is at it: nobody
// waits for a coding, the text as it is will do until then. What turns out not to
// get smaller is left alone for a while.
func (e *Edge) code(x *Exchange, o *cache.Object, m *object.Meta, c coding.Coding) {
	f := e.cache.Validate(x.form.key, nil, x.now)
	if f == nil {
		return
	}
	e.fetchers.Go(func() {
		defer f.Leave()
		defer e.recoverFetch(f)
		body, err := encodeObject(o, c)
		if err == nil {
			err = e.storeCoded(f, codedMeta(m, c, int64(len(body))), body)
		}
		if err != nil {
			f.DontCollapse(e.now().UnixNano())
			f.Abort(err)
		}
	})
}

// encodeObject returns the coded bytes of a whole text.
func encodeObject(o *cache.Object, c coding.Coding) ([]byte, error) {
	var r cache.Reader
	r.Open(o, 0, -1)
	defer r.Close()
	var text []byte
	for {
		span, err := r.Next()
		if err == io.EOF { //nolint:errorlint // returned bare
			break
		}
		if err != nil {
			return nil, err
		}
		text = append(text, span...)
	}
	body, ok := coding.Append(nil, c, text)
	if !ok {
		return nil, errNotCoded
	}
	return body, nil
}

// codedMeta describes the coded form of m.
func codedMeta(m *object.Meta, c coding.Coding, size int64) *object.Meta {
	own := *m
	own.Version, own.Size = 0, size // the cache gives it a version of its own
	own.Freshness.Flags &^= object.Resumable
	own.Header = make(object.Header, 0, len(m.Header)+1)
	for _, f := range m.Header {
		switch strings.ToLower(f.Name) {
		case "content-digest", "repr-digest", "digest", "content-md5":
			continue // of the text as it is
		case "etag":
			if f.Value = coding.ETag(f.Value, c); f.Value == "" {
				continue
			}
		}
		own.Header = append(own.Header, f)
	}
	own.Header = append(own.Header, object.Field{Name: "Content-Encoding", Value: c.String()})
	return &own
}

// storeCoded fills the coded form in.
func (e *Edge) storeCoded(f *cache.Fill, m *object.Meta, body []byte) error {
	if err := f.Reserve(e.ctx, m.Size, 0); err != nil {
		return err
	}
	f.Storage(cache.StoreLate) // it can be made again
	f.Start(m, 0)
	for len(body) > 0 {
		room, err := f.Buffer(e.ctx)
		if err != nil {
			return err
		}
		n := copy(room, body)
		f.Advance(n)
		body = body[n:]
	}
	return f.Commit(nil, false)
}
