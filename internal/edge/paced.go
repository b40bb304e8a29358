package edge

import (
	"time"
)

// paceStep is how often a second a paced body hands out bytes: often enough that a
// player sees a stream, seldom enough to cost nothing.
const paceStep = 4

// paced is a Body that hands out so many bytes a second: the speed limit of a token.
// The first second's worth goes at once, so that playback starts as without a
// limit. While it waits it holds no memory that others need.
type paced struct {
	Body
	rate int64     // bytes a second, above 0
	due  time.Time // when the next byte may go
	rest []byte    // of the inner span, not handed out yet
	lost bool      // the inner span, and so rest, is no longer valid
}

// pace puts a limit of rate bytes a second on the body of the response, if it has
// one that comes from the cache.
func (x *Exchange) pace(rate int64) {
	if rate <= 0 || x.Resp.Body == nil || x.Resp.Body == &x.note {
		return
	}
	x.slow = paced{Body: x.Resp.Body, rate: rate}
	x.slow.due = time.Now().Add(-time.Second)
	x.Resp.Body = &x.slow
}

// Next implements Body.
func (p *paced) Next() ([]byte, error) {
	p.await()
	for len(p.rest) == 0 {
		span, err := p.Body.Next()
		if err != nil {
			return nil, err
		}
		p.rest = span
	}
	n := min(int64(len(p.rest)), max(1, p.rate/paceStep))
	span := p.rest[:n:n]
	p.rest = p.rest[n:]
	p.spend(n)
	return span, nil
}

// await sleeps until the next byte may go. What is pinned is parked meanwhile.
func (p *paced) await() {
	if d := time.Until(p.due); d > 0 {
		p.Body.Park()
		time.Sleep(d)
		p.lost = !p.Body.Resume() || p.lost
	}
	if p.lost {
		p.giveBack(0)
	}
}

// spend moves the time of the next byte on by n bytes; what was not used of more
// than a second is gone.
func (p *paced) spend(n int64) {
	if earliest := time.Now().Add(-time.Second); p.due.Before(earliest) {
		p.due = earliest
	}
	p.due = p.due.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
}

// giveBack returns n handed-out bytes and the rest to the inner body.
func (p *paced) giveBack(n int) {
	if n += len(p.rest); n > 0 {
		p.Body.Unread(n)
	}
	p.rest, p.lost = nil, false
}

// Ready implements Body.
func (p *paced) Ready() bool {
	return !time.Now().Before(p.due) && (len(p.rest) > 0 && !p.lost || p.Body.Ready())
}

// Resume implements Pausable.
func (p *paced) Resume() bool {
	p.lost = !p.Body.Resume() || p.lost
	return !p.lost
}

// Unread implements Pausable.
func (p *paced) Unread(n int) {
	p.giveBack(n)
	p.due = p.due.Add(-time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
}

var _ Body = (*paced)(nil)
