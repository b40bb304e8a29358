package disk

import (
	"errors"
	"fmt"
	"slices"

	"edged/cache/object"
)

// rescue is the second life of what viewers ask for again and again: while the
// newest extent fills up, hot records of the oldest one, which is next to go, are
// appended once more. Doing it along with the writes that will push the extent out
// spreads the work, and needs no space for an extent that is half evicted. The
// writer goroutine owns it.
type rescue struct {
	extent *extent // the oldest, held; nil: not looked at yet
	hot    []recordRef
	credit int64 // bytes that may be appended again now
	buf    []byte
}

const (
	// rescueHits is how often a record must have been asked for since it was
	// written. One hit is what a viewer who pauses causes, too.
	rescueHits = 2
	// rescueShare is what may be appended again of what is written anew, in
	// percent of the bodies: the price is wear and write bandwidth. With the page that
	// goes with a body of 64 KiB, 12 is the most that stays below 1.2 bytes a byte when
	// everything is hot.
	rescueShare = 12
	// rescueStep bounds the records that one write takes with it.
	rescueStep = 4
)

// end lets go of the extent.
func (r *rescue) end() {
	if r.extent != nil {
		r.extent.release()
	}
	r.extent, r.hot = nil, nil
}

// rescueSome appends a few hot records again after a body of size bytes was written.
func (w *writer) rescueSome(size int64) {
	r := &w.rescue
	r.credit = min(r.credit+size*rescueShare/100, w.t.extentSize)
	if w.t.wear.admission() == Nothing || !w.look() {
		return
	}
	for range rescueStep {
		if len(r.hot) == 0 || int64(r.hot[0].pages)*pageSize > r.credit {
			return
		}
		ref := r.hot[0]
		r.hot = r.hot[1:]
		switch err := w.again(r.extent, &ref); {
		case err == nil:
			r.credit -= int64(ref.pages) * pageSize
			w.t.counters.rescued.Add(1)
			w.t.counters.rescuedBytes.Add(int64(ref.pages) * pageSize)
		case errors.Is(err, errDropped), errors.Is(err, ErrNotFound):
		case errors.Is(err, ErrCorrupt):
			w.t.readFailed(ref.hash, ref.stripe, ref.position(), err)
		default: // a read or a write that the disk failed: leave this extent alone
			w.t.log.Warn("disk: cannot keep hot records", "extent", ref.extent, "error", err)
			r.hot = nil
			return
		}
	}
}

// look makes the oldest extent the one whose hot records are kept, once it is next
// to go, and late enough that its last hits count.
func (w *writer) look() bool {
	r := &w.rescue
	number, ok := w.t.extents.oldest()
	if !ok || w.active == nil || number == w.active.number || !w.over(w.t.extentSize) ||
		int64(w.end)*pageSize < w.t.extentSize/2 {
		return false
	}
	if r.extent != nil && r.extent.number == number {
		return true
	}
	r.end()
	x, ok := w.t.extents.acquire(number)
	if !ok {
		return false
	}
	refs, err := x.unsealed, error(nil)
	if refs == nil {
		refs, err = x.footer()
	}
	if err != nil { // its eviction will find out again
		refs = nil
	}
	r.extent, r.hot = x, w.t.index.hottest(refs)
	return true
}

// hottest returns the records that are in use and were asked for often enough, the
// most often asked first, otherwise in their order.
func (x *index) hottest(refs []recordRef) []recordRef {
	var levels [maxHits + 1][]recordRef
	for i := range refs {
		if s, ok := x.at(refs[i].hash, refs[i].stripe, refs[i].position()); ok && s.hits() >= rescueHits {
			levels[s.hits()] = append(levels[s.hits()], refs[i])
		}
	}
	slices.Reverse(levels[:])
	return slices.Concat(levels[:]...)
}

// again appends a record of x once more, with the newest metadata of its object,
// whose sequence number it keeps. A key that was removed, or that holds another
// version by now, stays so: what is appended has the ticket of no put, which every
// removal fences off.
func (w *writer) again(x *extent, ref *recordRef) error {
	var head slot
	ok := w.t.index.head(ref.hash, &head)
	if _, live := w.t.index.at(ref.hash, ref.stripe, ref.position()); !ok || !live || head.version != ref.version {
		return errDropped
	}
	rec, body, err := w.reread(x, ref)
	if err != nil {
		return err
	}
	m, err := w.newest(rec, &head)
	if err != nil {
		return err
	}
	m.Key = object.Key(rec.key)
	if dead := w.t.dead.Load(); dead != nil && (*dead)(m) {
		return errDropped
	}
	j := job{id: rec.id, key: m.Key, meta: m, stripe: rec.stripe}
	for i := range object.StripeBlocks {
		if off, n, ok := rec.blockAt(i); ok {
			j.blocks = append(j.blocks, make([]Body, i-len(j.blocks))...)
			j.blocks = append(j.blocks, heapBody(body[off:off+n]))
		}
	}
	err = w.tryStore(&j)
	if err != nil && !errors.Is(err, errDropped) {
		w.t.counters.writeErrors.Add(1)
		w.failed(err)
	}
	return err
}

// reread reads a whole record and checks all of it. The body is borrowed until the
// next call.
func (w *writer) reread(x *extent, ref *recordRef) (*record, []byte, error) {
	f, err := x.open()
	if err != nil {
		return nil, nil, err
	}
	s := scanner{file: f, extent: x, end: ref.page, buf: w.rescue.buf}
	rec, err := s.read()
	if err == nil && (rec.id.Hi != ref.hash || rec.version != ref.version || rec.stripe != ref.stripe) {
		err = fmt.Errorf("%w: another record at extent %d page %d", ErrCorrupt, ref.extent, ref.page)
	}
	if err == nil {
		err = s.body(rec)
	}
	w.rescue.buf = s.buf
	return rec, s.buf, err
}

// newest returns the metadata that the head of the object of rec points to: those of
// rec may have been freshened since.
func (w *writer) newest(rec *record, head *slot) (*object.Meta, error) {
	if p := head.position(); p != at(rec.extent, rec.page) {
		x, ok := w.t.extents.acquire(p.extent())
		if !ok {
			return nil, ErrNotFound
		}
		defer x.release()
		f, err := x.open()
		if err != nil {
			return nil, err
		}
		s := scanner{file: f, extent: x, end: p.page()}
		newer, err := s.read()
		switch {
		case err != nil:
			return nil, err
		case newer.id != rec.id || newer.version != rec.version:
			return nil, errDropped
		}
		rec = newer
	}
	m, err := object.ParseMeta(rec.meta)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return m, nil
}

// heapBody is a block in memory of the writer's own.
type heapBody []byte

func (b heapBody) Bytes() []byte { return b }
func (heapBody) Release()        {}
