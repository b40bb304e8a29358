package server

import "time"

// sweep looks at every connection once an interval. It replaces a deadline per
// read and write: limits are late by two intervals at most, never early, and a
// response costs a few atomic stores instead of timers.
func (s *Server) sweep(stop <-chan struct{}) {
	t := time.NewTicker(s.limits.interval)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			now := s.tick.Add(1)
			s.conns.each(func(c *conn) { s.inspect(c, now) })
		}
	}
}

// limits are the durations of Options in ticks of the sweeper.
type limits struct {
	interval                                     time.Duration
	handshake, header, idle, linger, rate, grace uint64
	minBytes                                     int64 // in one rate window
}

func newLimits(o *Options) limits {
	iv := o.sweepInterval()
	// A phase can begin just before a tick, so one is added: never early.
	ticks := func(d time.Duration) uint64 { return uint64((d+iv-1)/iv) + 1 }
	return limits{
		interval:  iv,
		handshake: ticks(o.HandshakeTimeout),
		header:    ticks(o.HeaderTimeout),
		idle:      ticks(o.IdleTimeout),
		linger:    ticks(o.LingerTimeout),
		rate:      ticks(o.RateWindow),
		grace:     ticks(drainGrace),
		minBytes:  int64(float64(o.MinRate) * o.RateWindow.Seconds()),
	}
}

// inspect interrupts c when it is over the limit of its phase. The registry's
// mutex is held, so that c is inspected by one goroutine at a time.
func (s *Server) inspect(c *conn, now uint64) {
	w := c.state.Load()
	age := now - min(now, sinceTick(w))
	l := &s.limits
	switch phaseOf(w) {
	case phaseNew:
		if age > l.header || s.draining.Load() && age > l.grace {
			s.expire(c, w, &s.count.CutHeader)
		}
	case phaseHandshake:
		if age > l.handshake {
			s.expire(c, w, &s.count.CutHandshake)
		}
	case phaseHeader:
		if age > l.header {
			s.expire(c, w, &s.count.CutHeader)
		}
	case phaseIdle:
		if s.draining.Load() {
			s.expire(c, w, nil)
		} else if age > l.idle {
			s.expire(c, w, &s.count.CutIdle)
		}
	case phaseLinger:
		if age > l.linger {
			s.expire(c, w, nil)
		}
	case phaseWrite:
		s.inspectRate(c, w, now)
		return
	}
	c.mark.tick = now
	c.mark.sent = c.sent.Load()
}

// inspectRate cuts a client that takes too little for a whole window. The window
// starts over whenever the connection was seen doing something else.
func (s *Server) inspectRate(c *conn, w, now uint64) {
	sent := c.sent.Load()
	if now-min(now, c.mark.tick) < s.limits.rate {
		return
	}
	if sent-c.mark.sent < s.limits.minBytes && sinceTick(w)+s.limits.rate <= now {
		s.expire(c, w, &s.count.CutSlow) // its write fails, and it cuts itself
	}
	c.mark.tick, c.mark.sent = now, sent
}

// expire closes the phase seen as w against any further step, then wakes the
// owner. Losing the race means that the client was just in time.
func (s *Server) expire(c *conn, w uint64, why *counter) {
	if !c.state.CompareAndSwap(w, w&^(1<<phaseBits-1)|uint64(phaseClosing)) {
		return
	}
	if why != nil {
		why.Add(1)
	}
	c.interrupt(phaseOf(w))
}
