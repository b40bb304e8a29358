package logfmt

import "strconv"

// pen writes one line. Its two methods head and tail name the fields in the order
// of the table, one call each: going through the table for each value cost three
// times as much. TestPenFollowsTable holds the two together.
//
// A pen is a value on its user's stack: nothing of it may escape.
type pen struct {
	buf  []byte
	json bool
	memo *memo // of the caller, nil for none
}

// head writes every field but those of Sequence. In W3C it ends in a space.
func (p *pen) head(m AddressMode, r *Record) {
	if p.json {
		p.buf = append(p.buf, lineBegin...)
	}
	p.moment(r.Time)
	p.owner(r)
	p.client(m.stricter(r.Address), r)
	penText(p, fieldMethod, r.Method)
	penText(p, fieldHost, r.Host)
	penText(p, fieldPath, r.Path)
	penText(p, fieldQuery, r.Request.Query)
	p.byteRange(r)
	p.number(fieldStatus, int64(r.Status), r.Status != 0)
	p.number(fieldBytesSent, r.BytesSent, true)
	p.number(fieldWireBytes, r.WireBytes, true)
	p.number(fieldFirstByte, micros(r.FirstByte), r.FirstByte > 0)
	p.number(fieldDuration, micros(r.Duration), r.Duration > 0)
	p.flag(fieldAborted, r.Aborted)
	p.cache(&r.Cache)
	penText(p, fieldTier, r.Source.Tier)
	p.number(fieldRAM, r.Source.RAM, true)
	p.number(fieldDisk, r.Source.Disk, true)
	p.number(fieldOrigin, r.Source.Origin, true)
	penText(p, fieldClass, r.Request.Class)
	penText(p, fieldRendition, RenditionOf(r.Path))
	penText(p, fieldProtocol, r.Request.Protocol)
	penText(p, fieldTLS, r.Request.TLS)
	penText(p, fieldScheme, r.Token.Scheme)
	penText(p, fieldKey, r.Token.Key)
	penText(p, fieldVerdict, r.Token.Verdict)
	p.session(m.stricter(r.Address), r)
	penText(p, fieldError, r.Error)
	penText(p, fieldReferrer, r.Request.Referrer)
	p.agent(r.Request.Agent)
	penText(p, fieldUserAgent, r.Request.UserAgent)
	p.cmcd(&r.Request.CMCD)
	penText(p, fieldTrace, r.Request.Trace)
}

// owner writes node, account and site, which stay the same for long.
func (p *pen) owner(r *Record) {
	m := p.memo
	if m != nil && len(m.owner) > 0 && m.node == r.Node && m.account == r.Account && m.site == r.Site {
		p.buf = append(p.buf, m.owner...)
		return
	}
	start := len(p.buf)
	penText(p, fieldNode, r.Node)
	penText(p, fieldAccount, r.Account)
	penText(p, fieldSite, r.Site)
	if m != nil {
		m.node, m.account, m.site = r.Node, r.Account, r.Site
		m.owner = append(m.owner[:0], p.buf[start:]...)
	}
}

// cache writes what RFC 9211 has words for.
func (p *pen) cache(c *Cache) {
	p.flag(fieldHit, c.Hit)
	penText(p, fieldForward, c.Forward)
	p.flag(fieldStored, c.Stored)
	p.flag(fieldCollapsed, c.Collapsed)
	p.number(fieldTTL, c.TTL, c.HasTTL)
}

// tail writes the fields of Sequence and ends the line.
func (p *pen) tail(s *Sequence) {
	p.number(fieldRun, s.Run, true)
	p.number(fieldDropped, s.Dropped, true)
	p.number(fieldNumber, s.Number, true)
	if p.json {
		p.buf = append(p.buf, '}', '\n')
		return
	}
	p.buf[len(p.buf)-1] = '\n' // for the last space
}

// The methods below write one value each: in JSON its key and the value, in W3C
// the value and a space. A missing value has no key, and is '-' in W3C.

func penText[T text](p *pen, id fieldID, v T) {
	if len(v) == 0 { // half of the texts of a usual line
		p.missing()
		return
	}
	if p.json {
		p.buf = append(append(p.buf, keys[id]...), '"')
		p.buf = append(appendJSONText(p.buf, v), '"')
		return
	}
	p.buf = append(appendW3CText(p.buf, v), ' ')
}

func (p *pen) missing() {
	if !p.json {
		p.buf = append(p.buf, '-', ' ')
	}
}

func (p *pen) number(id fieldID, n int64, there bool) {
	switch {
	case p.json && there:
		p.buf = strconv.AppendInt(append(p.buf, keys[id]...), n, 10)
	case !there:
		p.missing()
	case n >= 0 && n < 10:
		p.buf = append(p.buf, byte('0'+n), ' ')
	default:
		p.buf = append(strconv.AppendInt(p.buf, n, 10), ' ')
	}
}

func (p *pen) flag(id fieldID, v bool) {
	switch {
	case p.json:
		p.buf = strconv.AppendBool(append(p.buf, keys[id]...), v)
	case v:
		p.buf = append(p.buf, '1', ' ')
	default:
		p.buf = append(p.buf, '0', ' ')
	}
}

func (p *pen) moment(unixNano int64) {
	if p.json {
		p.buf = append(append(p.buf, keys[fieldTime]...), '"')
		p.buf = append(p.clock().append(p.buf, unixNano, 'T'), 'Z', '"')
		return
	}
	p.buf = append(p.clock().append(p.buf, unixNano, ' '), ' ')
}

func (p *pen) clock() *clock {
	if p.memo == nil {
		return nil
	}
	return &p.memo.clock
}

// open begins a value that may turn out to be missing, close ends it. What the
// caller appends in between needs no escapes. open returns what close wants.
func (p *pen) open(id fieldID) (key, value int) {
	key = len(p.buf)
	if p.json {
		p.buf = append(append(p.buf, keys[id]...), '"')
	}
	return key, len(p.buf)
}

func (p *pen) close(key, value int) {
	switch {
	case len(p.buf) > value && p.json:
		p.buf = append(p.buf, '"')
	case p.json:
		p.buf = p.buf[:key]
	case len(p.buf) == value:
		p.buf = append(p.buf, '-', ' ')
	default:
		p.buf = append(p.buf, ' ')
	}
}

func (p *pen) client(m AddressMode, r *Record) {
	key, value := p.open(fieldClient)
	p.buf = appendAddress(p.buf, m, r)
	p.close(key, value)
}

func (p *pen) session(m AddressMode, r *Record) {
	key, value := p.open(fieldSession)
	if m != None {
		p.buf = appendHash(p.buf, 's', r.Token.Session)
	}
	p.close(key, value)
}

func (p *pen) byteRange(r *Record) {
	key, value := p.open(fieldRange)
	p.buf = appendRange(p.buf, r)
	p.close(key, value)
}

func (p *pen) agent(a Agent) {
	key, value := p.open(fieldAgent)
	p.buf = append(p.buf, a.String()...)
	p.close(key, value)
}

func (p *pen) cmcd(c *CMCD) {
	key, value := p.open(fieldCMCD)
	p.buf = c.append(p.buf)
	p.close(key, value)
}
