package edge

import (
	"bytes"
	"strings"

	"edged/auth"
	"edged/cache"
	"edged/cache/object"
	"edged/cache/rfc9111"
	"edged/internal/coding"
	"edged/internal/rewrite"
	"edged/internal/target"
)

// rewrites reports whether the manifest m, which may be any response under its name, is
// rewritten for this request.
func (x *Exchange) rewrites(m *object.Meta) bool {
	return x.carried != nil && x.carried.rewrites && m.Status == 200 && !m.Header.Has("Content-Encoding")
}

// rewritten completes the response from a manifest that every viewer gets with a token of his
// own. There is one stored copy, the clean one; what is sent is nobody else's, has no
// validator, and no ranges.
func (e *Edge) rewritten(x *Exchange, o *cache.Object, m *object.Meta) {
	c := x.carried
	x.out.TTL, x.out.HasTTL = m.Freshness.TTL(x.now), x.out.FwdStatus == 0 || x.out.Stored
	c.meta = *m
	c.meta.Header = appendClean(nil, m.Header)
	switch x.conditions().Evaluate(&c.meta) {
	case rfc9111.NotModified:
		e.notModified(x, o, &c.meta)
		return
	case rfc9111.Failed:
		x.out.Detail = DetailPrecondition
		e.release(x, o)
		e.refuse(x, 412)
		return
	}
	x.reset(200)
	e.open(x, o, 0, -1)
	x.header = append(x.header, c.meta.Header...)
	if c.body.coded = mayTransform(m) && coding.PaysToStream(x.joined("Accept-Encoding"), m.Size); c.body.coded {
		x.field("Content-Encoding", coding.Gzip.String())
	}
	x.varies()
	x.age(m)
	x.finishHeader()
	x.Resp.Size = -1
	if borrowed(x.Req.Method) == "HEAD" {
		x.body.Close()
		return
	}
	c.body.source = &x.body
	if err := c.body.rewriter.Reset(x.rewriting()); err != nil { // verified tokens need no escape
		x.body.Close()
		x.out.Detail = DetailInternal
		e.refuse(x, 500)
		return
	}
	x.Resp.Body = &c.body
}

// appendClean appends the fields that still hold for a rewritten manifest.
func appendClean(dst, h object.Header) object.Header {
	for _, f := range h {
		switch strings.ToLower(f.Name) {
		case "etag", "last-modified", "cache-control", "expires", "pragma", "accept-ranges",
			"content-digest", "repr-digest", "digest", "content-md5":
		default:
			dst = append(dst, f)
		}
	}
	return append(dst, object.Field{Name: "Cache-Control", Value: "private, no-store"})
}

// rewriting says how the manifest of this request is rewritten.
func (x *Exchange) rewriting() rewrite.Options {
	c := x.carried
	path := string(target.AppendEncoded(nil, x.path))
	o := rewrite.Options{
		Mode: c.mode, Name: c.name, Value: c.token, Base: path[:strings.LastIndexByte(path, '/')+1],
		Inherits: x.inherits(), Hosts: x.site.Hosts, Port: x.port(), Covers: x.covers,
	}
	if x.site.wildcard || x.verdict.Grant.Origin != nil {
		o.Hosts = []string{string(x.host)}
	}
	if c.minted {
		o.Self = path
		if len(x.query) > 0 {
			o.Self += "?" + string(x.query)
		}
	}
	return o
}

// inherits reports whether the request has the token that is carried as its leading
// segment, and the player knows. With a session that may have come by a redirect, which
// ffmpeg forgets: it resolves what is relative in an MPD against the URL before it.
func (x *Exchange) inherits() bool {
	c := x.carried
	if x.verdict.Grant.Session && bytes.HasSuffix(x.path, []byte(".mpd")) {
		return false
	}
	_, path, _, _ := target.Split(x.rawTarget())
	rest, ok := bytes.CutPrefix(path, []byte("/"))
	return ok && !c.minted && x.found.Carrier == auth.Path && bytes.HasPrefix(rest, []byte(c.name+"="))
}

// covers reports whether the token that is carried opens an encoded path. It may have dollar
// signs of a template in it.
func (x *Exchange) covers(encoded []byte) bool {
	path, _, why := target.Canonical(encoded, nil)
	if why != target.OK {
		return false
	}
	for _, scope := range x.verdict.Grant.Scopes {
		if bytes.Equal(path, scope) || scope[len(scope)-1] == '/' && bytes.HasPrefix(path, scope) {
			return true
		}
	}
	return false
}

// mayTransform reports whether the origin lets a representation be coded.
func mayTransform(m *object.Meta) bool {
	return !strings.Contains(strings.ToLower(m.Header.Joined("Cache-Control")), "no-transform")
}

// port is that of the request's host, "" when it names none.
func (x *Exchange) port() string {
	host := borrowed(x.Req.Host)
	i := strings.LastIndexByte(host, ':')
	if i < 0 || i < strings.LastIndexByte(host, ']') {
		return ""
	}
	return host[i+1:]
}
