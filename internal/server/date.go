package server

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dateCache renders the Date field once a second (RFC 9110 §6.6.1).
type dateCache struct{ last atomic.Pointer[dateStamp] }

type dateStamp struct {
	second int64
	text   string // IMF-fixdate
}

// at returns the value of Date for t. The string is shared and constant.
func (d *dateCache) at(t time.Time) string {
	sec := t.Unix()
	if p := d.last.Load(); p != nil && p.second == sec {
		return p.text
	}
	p := &dateStamp{sec, t.UTC().Format(http.TimeFormat)}
	d.last.Store(p)
	return p.text
}
