package edge

import (
	"errors"
	"io"

	"edged/cache"
)

// maxRefills is how often in a row, without a byte in between, a body may ask for
// a fill of the same place before it is cut.
const maxRefills = 2

// body is the Body of a response from the cache: the spans of a reader, with a new
// fetch started where nothing is on its way.
type body struct {
	x       *Exchange
	reader  cache.Reader
	refills int
}

// Next implements Body.
func (b *body) Next() ([]byte, error) {
	for {
		span, err := b.reader.Next()
		switch {
		case err == nil:
			b.refills = 0
			return span, nil
		case err != cache.ErrMissing: //nolint:errorlint // returned bare, on the hot path
			return nil, b.failed(err)
		}
		if err := b.refill(); err != nil {
			return nil, b.failed(err)
		}
	}
}

// NextFile implements FileBody.
func (b *body) NextFile() (FileSpan, bool) {
	fd, off, n, ok := b.reader.NextFile()
	return FileSpan{FD: fd, Offset: off, Length: n}, ok
}

// failed notes why a body broke off.
func (b *body) failed(err error) error {
	if err != io.EOF { //nolint:errorlint // returned bare
		b.x.out.Detail = DetailCut
		if errors.Is(err, cache.ErrNoMemory) {
			b.x.out.Detail = DetailNoMemory
		}
	}
	return err
}

// refill makes sure that the next byte is on its way.
func (b *body) refill() error {
	o := b.reader.Object()
	if b.refills++; b.refills > maxRefills {
		return cache.ErrCut
	}
	f, leader, err := o.FillFrom(b.reader.Offset(), b.reader.End())
	if err != nil || !leader {
		return err
	}
	b.reader.Lead()
	defer f.Leave()
	b.x.edge.lead(b.x, f, o)
	return nil
}

// Ready implements Body.
func (b *body) Ready() bool { return b.reader.Ready() }

// Park implements Pausable.
func (b *body) Park() { b.reader.Park() }

// Resume implements Pausable.
func (b *body) Resume() bool { return b.reader.Resume() }

// Unread implements Pausable.
func (b *body) Unread(n int) { b.reader.Unread(n) }

// Close implements Body.
func (b *body) Close() {
	if o := b.reader.Object(); o != nil {
		b.account()
		b.reader.Close()
		b.x.edge.cache.Done(o)
	}
}

// reopen goes on with another range of the same object.
func (b *body) reopen(start, end int64) {
	o, lead := b.reader.Object(), b.x.leading
	b.account()
	b.reader.Close()
	b.reader.Open(o, start, end)
	if lead {
		b.reader.Lead()
	}
	b.refills = 0
}

// account notes how many bytes came from where before the reader is gone.
func (b *body) account() {
	out := &b.x.out
	out.FromOrigin += b.reader.FromOrigin
	out.FromDisk += b.reader.FromDisk
	out.FromRAM += b.reader.FromRAM
}

// text is the Body of a generated response.
type text struct {
	bytes []byte
	read  int
}

func (t *text) done() bool { return t.read == len(t.bytes) }

// Next implements Body.
func (t *text) Next() ([]byte, error) {
	if t.done() {
		return nil, io.EOF
	}
	span := t.bytes[t.read:]
	t.read = len(t.bytes)
	return span, nil
}

// Ready implements Body.
func (t *text) Ready() bool { return true }

// Close implements Body.
func (t *text) Close() {}

// Park implements Pausable: the bytes are no arena's.
func (t *text) Park() {}

// Resume implements Pausable.
func (t *text) Resume() bool { return true }

// Unread implements Pausable.
func (t *text) Unread(n int) { t.read -= n }
