package logfmt

import (
	"bytes"
	"sync"
)

// shard is one of the queues between requests and the flusher. It holds lines
// without their last fields, which are only known when a record goes to disk, or whole
// blocks and an open one, whose heads are not complete for the same reason.
//
// Its buffer never grows: what does not fit is dropped and counted.
type shard struct {
	mu      sync.Mutex
	buf     []byte // whole lines, or blocks
	memo    memo
	blocks  blockPen // of Binary
	limit   int      // of a block, in bytes
	dropped int64    // since the last take
	woken   bool     // the flusher was told that buf fills up
	closed  bool     // drop everything

	offered   int64 // all records
	lost      int64 // all dropped ones
	oversized int64 // those of them that would fit into no buffer

	_ [64]byte // keeps shards out of each other's cache line
}

// Longest line for a record without its texts, and growth of a text, in the
// worst case: a bound that costs no encoding, so that a full queue drops early
// and cheaply and the buffer is never reallocated.
const (
	fixedRoom  = 2048 // a block's head and an entry of each part are in it, too
	textGrowth = 3
	tailRoom   = 128 // of fixedRoom, for the fields that the flusher appends
)

// room returns an upper bound for the length of r's line in bytes.
func (r *Record) room() int {
	n := len(r.Node) + len(r.Account) + len(r.Site) + len(r.Method) + len(r.Host) + len(r.Path) +
		len(r.Error) + len(r.Request.Protocol) + len(r.Request.TLS) + len(r.Request.Referrer) +
		len(r.Request.Class) + len(r.Request.Trace) + len(r.Cache.Forward) + len(r.Source.Tier) +
		len(r.Token.Scheme) + len(r.Token.Key) + len(r.Token.Verdict) +
		len(r.Request.Query) + len(r.Request.UserAgent)
	return fixedRoom + textGrowth*n
}

// add encodes r into the buffer or counts it as dropped. It reports whether the
// flusher should be told.
func (s *shard) add(f Format, m AddressMode, r *Record) (wake bool) {
	room := r.room()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered++
	if s.closed || room > maxLine || len(s.buf)+room > cap(s.buf) {
		s.dropped++
		s.lost++
		if room > min(maxLine, cap(s.buf)) {
			s.oversized++
		}
		return false
	}
	if f == Binary {
		if s.blocks.full(s.buf, room, s.limit) {
			s.blocks.seal(s.buf)
		}
		s.buf = s.blocks.add(s.buf, m, r)
	} else {
		s.buf = append(appendHead(s.buf, f, m, r, &s.memo), '\n')
	}
	if s.woken || len(s.buf) < min(wakeSize, cap(s.buf)/2) {
		return false
	}
	s.woken = true
	return true
}

// take exchanges the buffer for an empty one of the same capacity and returns
// what was queued and how many records were dropped after it.
func (s *shard) take(empty []byte) (lines []byte, dropped int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks.seal(s.buf)
	lines, dropped = s.buf, s.dropped
	s.buf, s.dropped, s.woken = empty[:0], 0, false
	return lines, dropped
}

// close makes the shard drop whatever comes.
func (s *shard) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// addTo adds the shard's counters to st.
func (s *shard) addTo(st *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Offered += s.offered
	st.Dropped += s.lost
	st.Oversized += s.oversized
	st.QueuedBytes += int64(len(s.buf))
}

// cut cuts the first line, without its newline, or block off what a queue held.
func (f Format) cut(b []byte) (piece, rest []byte) {
	if f == Binary {
		return cutBlock(b)
	}
	return cutLine(b)
}

// count returns how many records there are in what a queue held.
func (f Format) count(b []byte) (n int64) {
	if f != Binary {
		return int64(bytes.Count(b, []byte("\n")))
	}
	for len(b) > 0 {
		var block []byte
		block, b = cutBlock(b)
		n += recordsIn(block)
	}
	return n
}

// cutLine cuts the first line, without its newline, off b.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return line, rest
}
