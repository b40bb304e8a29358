package origin

import (
	"context"
	"time"
)

// Group is the origins of one site.
type Group struct {
	opts    Options
	servers []*server
}

// New returns a Group. It resolves and connects nothing, but reads the CA file.
func New(o Options) (*Group, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	roots, err := o.TLS.roots()
	if err != nil {
		return nil, err
	}
	g := &Group{opts: o}
	for _, raw := range o.URLs {
		e, err := g.opts.endpoint(raw, roots)
		if err != nil {
			return nil, err
		}
		g.servers = append(g.servers, newServer(e, &g.opts))
	}
	return g, nil
}

// Fetch asks the origins in order, beginning with r.From, until one gives an
// answer other than 502, 503 or 504. If none does, the last such answer is
// returned, or the error of the last origin asked. Any other status is a success
// here, redirects included.
//
// The context covers the body too: when it ends, the connection is closed and
// Read fails with ErrCanceled. The caller must Close the Response.
func (g *Group) Fetch(ctx context.Context, r *Request) (*Response, error) {
	if err := r.check(g.opts.Node); err != nil {
		return nil, err
	}
	end := time.Now().Add(g.opts.TotalTimeout)
	var held *Response // 502, 503 or 504, kept in case nothing better comes
	var failed *Error
	for i := range g.servers {
		at := g.index(r.From + i)
		resp, err := g.servers[at].fetch(ctx, r, end)
		if err != nil {
			failed = err
			if ctx.Err() != nil || !time.Now().Before(end) || !r.repeatable() && err.Phase >= PhaseHeader {
				break
			}
			continue
		}
		resp.Index = at
		held.Close()
		if !unavailable(resp.Status) || !r.repeatable() {
			return resp, nil
		}
		held = resp
	}
	if held != nil && ctx.Err() == nil {
		return held, nil
	}
	held.Close()
	if failed == nil { // the context ended right after the last answer
		failed = g.servers[0].wrap(ctx, PhaseHeader, ctx.Err())
	}
	return nil, failed
}

// index wraps i into the list of origins.
func (g *Group) index(i int) int {
	n := len(g.servers)
	return (i%n + n) % n
}

// unavailable reports whether another origin may do better.
func unavailable(status int) bool { return status == 502 || status == 503 || status == 504 }

// Stats returns a snapshot an origin, in the order of Options.URLs.
func (g *Group) Stats() []Stats {
	all := make([]Stats, len(g.servers))
	for i, s := range g.servers {
		all[i] = s.stats()
	}
	return all
}

// Close closes idle connections. Fetches under way go on; end their contexts.
// fasthttp's reaper goroutine notices at its next round, KeepAliveIdle at most.
func (g *Group) Close() {
	for _, s := range g.servers {
		s.pool.CloseIdleConnections()
	}
}
