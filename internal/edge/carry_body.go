package edge

import (
	"io"

	"edged/internal/coding"
	"edged/internal/rewrite"
)

// Bounds of what a rewritten body holds: a piece is taken from a span at a time, and
// what comes of it is handed on in spans of at most the size that Body promises.
const (
	rewritePiece = 16 << 10
	rewriteSpan  = 1 << 20
	rewriteKept  = 256 << 10 // a buffer that has grown above this is not kept
)

// rewriteBody is the Body of a manifest that is rewritten as it streams.
type rewriteBody struct {
	source   Body
	rewriter rewrite.Rewriter
	piece    []byte // what is left of the source's span
	out      []byte // buffer
	plain    []byte // the other buffer, when the text is coded
	stream   coding.Stream
	coded    bool
	ready    []byte // what of it is still to be handed on
	ended    bool
	parked   bool
}

// Next implements Body.
func (b *rewriteBody) Next() ([]byte, error) {
	for len(b.ready) == 0 {
		if b.ended {
			return nil, io.EOF
		}
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
	n := min(len(b.ready), rewriteSpan)
	span := b.ready[:n:n]
	b.ready = b.ready[n:]
	return span, nil
}

// fill rewrites the next piece.
func (b *rewriteBody) fill() error {
	b.Resume()
	if len(b.piece) == 0 {
		span, err := b.source.Next()
		if err == io.EOF { //nolint:errorlint // returned bare
			b.ended = true
			b.out = b.rewriter.Finish(b.out[:0])
			b.code()
			return nil
		}
		if err != nil {
			return err
		}
		b.piece = span
	}
	n := min(len(b.piece), rewritePiece)
	b.out = b.rewriter.Append(b.out[:0], b.piece[:n])
	b.piece = b.piece[n:]
	b.code()
	return nil
}

// code makes what is in out ready, coded if it is to be.
func (b *rewriteBody) code() {
	if b.coded {
		b.plain, b.out = b.out, b.stream.Append(b.plain[:0], b.out)
		if b.ended {
			b.out = b.stream.Finish(b.out)
		}
	}
	b.ready = b.out
}

// Ready implements Body.
func (b *rewriteBody) Ready() bool {
	return len(b.ready) > 0 || len(b.piece) > 0 || b.ended || b.source.Ready()
}

// Park implements Pausable. What was handed out is a copy; only the source's span can go.
func (b *rewriteBody) Park() {
	b.parked = true
	b.source.Park()
}

// Resume implements Pausable.
func (b *rewriteBody) Resume() bool {
	if b.parked {
		b.parked = false
		if !b.source.Resume() {
			b.source.Unread(len(b.piece))
			b.piece = nil
		}
	}
	return true
}

// Unread implements Pausable.
func (b *rewriteBody) Unread(n int) { b.ready = b.out[len(b.out)-len(b.ready)-n:] }

// Close implements Body.
func (b *rewriteBody) Close() {
	if b.source != nil {
		b.source.Close()
	}
	b.piece, b.ready = nil, nil
}

// reset prepares for the next manifest.
func (b *rewriteBody) reset() {
	b.Close()
	b.source, b.ended, b.parked = nil, false, false
	if b.coded {
		b.stream.Drop()
		b.coded = false
	}
	if cap(b.out)+cap(b.plain) > rewriteKept {
		b.out, b.plain = nil, nil
	}
}
