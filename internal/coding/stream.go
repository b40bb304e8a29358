package coding

import "github.com/klauspost/compress/gzip"

// Stream codes one body after another with gzip at its fastest level, for what is made
// for a single client and not kept. The zero value is ready. It is used by one
// goroutine at a time and keeps about half a megabyte once it was used.
type Stream struct {
	writer *gzip.Writer
	out    sink
	begun  bool
}

// sink collects what a Writer writes.
type sink []byte

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

// PaysToStream reports whether a body made for one client is worth coding: the client with
// this Accept-Encoding value prefers gzip to the text as it is, and there are size bytes, or
// an unknown number (-1).
func PaysToStream(accept []byte, size int64) bool {
	if len(accept) == 0 || size >= 0 && size < 1024 {
		return false
	}
	weights := weigh(accept)
	return weights[Gzip] > 0 && weights[Gzip] >= weights[Identity]
}

// Append takes the next piece of a body and appends what is ready to dst.
func (s *Stream) Append(dst, piece []byte) []byte {
	s.begin()
	s.out = dst
	_, _ = s.writer.Write(piece) // a sink takes everything
	return s.taken()
}

// Finish ends the body: the next piece belongs to another one.
func (s *Stream) Finish(dst []byte) []byte {
	s.begin()
	s.out = dst
	_ = s.writer.Close()
	s.begun = false
	return s.taken()
}

// Drop forgets a body that was not finished.
func (s *Stream) Drop() { s.begun, s.out = false, nil }

func (s *Stream) begin() {
	switch {
	case s.begun:
		return
	case s.writer == nil:
		s.writer, _ = gzip.NewWriterLevel(&s.out, gzip.BestSpeed) // a level that there is
	default:
		s.writer.Reset(&s.out)
	}
	s.begun = true
}

func (s *Stream) taken() []byte {
	dst := s.out
	s.out = nil
	return dst
}
