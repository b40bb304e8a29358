package edge

import (
	"slices"
	"time"

	"edged/cache"
	"edged/internal/target"
	"edged/logfmt"
)

// Finish ends the exchange: what is pinned is released, the outcome is counted and
// logged, and x is ready for the next request. It is called exactly once after
// Serve, Refuse or Panicked.
func (e *Edge) Finish(x *Exchange, d Delivery) {
	x.body.Close()
	x.leaveSession()
	x.slowestTier()
	x.out.Aborted = d.Aborted
	e.count(x, d)
	if e.log != nil {
		e.writeLog(x, d)
	}
	x.clear()
}

// slowestTier corrects the tier, which the header had to guess, by where bytes
// really came from.
func (x *Exchange) slowestTier() {
	switch o := &x.out; {
	case o.FromOrigin > 0:
		o.Tier = cache.TierOrigin
	case o.FromDisk > 0:
		o.Tier = cache.TierDisk
	case o.FromRAM > 0:
		o.Tier = cache.TierRAM
	}
}

// writeLog hands the log what became of the request, already redacted: no token,
// no cookie, no parameter that the site does not list, the host of the referrer and
// the family of the agent only.
func (e *Edge) writeLog(x *Exchange, d Delivery) {
	r := &x.record
	*r = logfmt.Record{} // and no literal: that is made on the stack and then copied
	r.Time, r.Duration = x.arrived, e.took(x, d)
	r.Client, r.Method, r.Host, r.Status = x.client(), x.logMethod(), x.logHost(), x.out.Status
	r.BytesSent, r.WireBytes, r.FirstByte, r.Aborted = d.Body, d.Body+d.Header, d.FirstByte, d.Aborted
	if x.site != nil {
		r.Account, r.Site, r.Address = x.site.Account, x.site.Name, x.site.Log.Address
	}
	x.logError(r)
	q := &r.Request
	q.RangeStart, q.RangeEnd, q.Protocol = x.rangeAsk.Start, x.rangeAsk.End, x.Req.Proto.String()
	q.TLS, q.Class, q.Trace = logfmt.TLSVersion(x.Req.TLS), x.out.Class.String(), x.trace[:]
	x.logTarget(r)
	x.logFields(q)
	o := &x.out
	r.Cache = logfmt.Cache{
		Hit: o.Hit, Forward: o.Forward.String(), Stored: o.Stored, Collapsed: o.Collapsed,
		HasTTL: o.HasTTL, TTL: seconds(o.TTL),
	}
	r.Source = logfmt.Source{Tier: o.Tier.String(), RAM: o.FromRAM, Disk: o.FromDisk, Origin: o.FromOrigin}
	if o.Checked {
		r.Token = logfmt.Token{Scheme: o.Scheme, Key: o.Key, Verdict: o.Denied.String(), SessionID: x.sid}
	}
	e.log.Write(r)
}

// took is how long the exchange lasted.
func (e *Edge) took(x *Exchange, d Delivery) time.Duration {
	if d.Took > 0 {
		return d.Took
	}
	return time.Duration(e.now().UnixNano() - x.arrived)
}

// logError says in one word what was out of the ordinary.
func (x *Exchange) logError(r *logfmt.Record) {
	switch x.out.Detail {
	case DetailBadTarget:
		r.Error = x.out.Target.String()
	case DetailDenied:
		r.Error = ""
	default:
		r.Error = x.out.Detail.String()
	}
}

// logMethod is the method as far as it is one of those served: any other is the
// client's invention and could hold anything.
func (x *Exchange) logMethod() []byte {
	switch borrowed(x.Req.Method) {
	case "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "CONNECT", "TRACE":
		return x.Req.Method
	}
	return nil
}

// logHost is the host of a known site; an unknown one is not ours to keep.
func (x *Exchange) logHost() []byte {
	if x.site == nil {
		return nil
	}
	return x.host
}

// logTarget says what was asked for, as far as logPath shows it.
func (x *Exchange) logTarget(r *logfmt.Record) {
	r.Path = x.logPath()
	if r.Path == nil {
		return
	}
	if len(x.query) > 0 {
		r.Request.Query = x.logQuery()
		r.Request.CMCD.AddQuery(x.query)
	}
}

// logFields takes what is kept of the header. Players that send CMCD in fields put
// their session into every request, so that its field tells whether to look for
// the others.
func (x *Exchange) logFields(r *logfmt.Request) {
	h := x.Req.Header
	if h == nil {
		return
	}
	agent := h.Get("User-Agent")
	r.Referrer, r.Agent = x.viewer.referrer(h.Get("Referer")), x.viewer.agent(agent)
	if x.site != nil && x.site.Log.Agent {
		r.UserAgent = agent[:min(len(agent), maxRemembered)]
	}
	session := h.Get("CMCD-Session")
	if session == nil {
		return
	}
	r.CMCD.AddField(session)
	r.CMCD.AddField(h.Get("CMCD-Object"))
	r.CMCD.AddField(h.Get("CMCD-Request"))
	r.CMCD.AddField(h.Get("CMCD-Status"))
}

// maxLogQuery bounds what is logged of a query, in bytes. What does not fit is left
// out, a parameter at a time.
const maxLogQuery = 512

// logQuery returns the parameters that the site lists for its log, in their order.
func (x *Exchange) logQuery() []byte {
	if len(x.site.Log.Query) == 0 {
		return nil
	}
	start := len(x.scratch)
	for name, value := range target.Params(x.query) {
		if !slices.Contains(x.site.Log.Query, borrowed(name)) || len(x.scratch)-start+len(name)+len(value)+2 > maxLogQuery {
			continue
		}
		if len(x.scratch) > start {
			x.scratch = append(x.scratch, '&')
		}
		x.scratch = append(append(append(x.scratch, name...), '='), value...)
	}
	return x.scratch[start:len(x.scratch):len(x.scratch)]
}
