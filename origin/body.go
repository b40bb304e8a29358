package origin

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// frame is how the end of a body is found.
type frame uint8

// The ways of RFC 9112 §6.3.
const (
	frameNone    frame = iota // no body
	frameLength               // Content-Length
	frameChunked              // chunked transfer coding
	frameClose                // end of the connection
)

// Bounds of the chunked coding.
const (
	maxChunkLine = 4 << 10  // chunk size with extensions
	maxTrailer   = 16 << 10 // all trailer fields
	// maxOverhead bounds framing bytes beyond twice the data plus 16 a chunk.
	maxOverhead = 16 << 10
	// directRead is the length from which a read goes past the buffer, straight
	// from the socket into the caller's memory.
	directRead = 2 << 10
)

// What is refused in a chunked body.
const (
	errChunkSize     protocolError = "malformed chunk size"
	errChunkEnd      protocolError = "chunk is longer than its size"
	errChunkOverhead protocolError = "chunked coding with more framing than data"
	errTrailer       protocolError = "trailer larger than 16 KiB"
)

// body takes a framed body off a connection. Once Read returned io.EOF the
// connection stands at the end of the message.
type body struct {
	br    *bufio.Reader
	src   io.Reader // what br reads from
	frame frame
	left  int64 // frameLength: of the body; frameChunked: of the current chunk
	// inChunk is set between a chunk's size and its final CRLF.
	inChunk  bool
	done     bool
	overhead int64
}

// whole reports whether the end of the body is known to be reached.
func (b *body) whole() bool {
	switch b.frame {
	case frameLength:
		return b.left == 0
	case frameNone:
		return true
	}
	return b.done
}

// Read implements io.Reader. io.EOF means a clean end; a connection that ends
// before shows as io.ErrUnexpectedEOF. len(p) must not be 0.
func (b *body) Read(p []byte) (int, error) {
	switch b.frame {
	case frameLength:
		return b.readLength(p)
	case frameChunked:
		return b.readChunked(p)
	case frameClose:
		n, err := b.readSome(p)
		b.done = err == io.EOF //nolint:errorlint // our own conn returns it bare
		return n, err
	}
	return 0, io.EOF
}

// readSome reads once, around the buffer when that saves a copy.
func (b *body) readSome(p []byte) (int, error) {
	if b.br.Buffered() == 0 && len(p) >= directRead {
		return b.src.Read(p)
	}
	return b.br.Read(p)
}

// readLength reads a body of known length.
func (b *body) readLength(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.readSome(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil && b.left > 0 {
		return n, cut(err)
	}
	return n, nil
}

// readChunked reads from at most one chunk, so that data is handed on as soon
// as it is here.
func (b *body) readChunked(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF
	}
	if b.left == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
	}
	n, err := b.readSome(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil {
		return n, cut(err)
	}
	return n, nil
}

// nextChunk ends the current chunk and reads the size of the next. io.EOF means
// that it was the last and the trailer is read.
func (b *body) nextChunk() error {
	if b.inChunk {
		b.inChunk = false
		if line, err := b.line(errChunkEnd, 2); err != nil {
			return err
		} else if len(line) != 0 {
			return errChunkEnd
		}
	}
	line, err := b.line(errChunkSize, maxChunkLine)
	if err != nil {
		return err
	}
	size, ok := parseChunkSize(line)
	if !ok {
		return errChunkSize
	}
	if size == 0 {
		return b.trailer()
	}
	// A byte of data in kilobytes of extensions would pass the minimum rate.
	b.overhead = max(0, b.overhead+int64(len(line))-16-2*size)
	if b.overhead > maxOverhead {
		return errChunkOverhead
	}
	b.left, b.inChunk = size, true
	return nil
}

// trailer reads and drops the trailer section.
func (b *body) trailer() error {
	for left := maxTrailer; left > 0; {
		line, err := b.line(errTrailer, left)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			b.done = true
			return io.EOF
		}
		left -= len(line) + 2
	}
	return errTrailer
}

// line reads up to CRLF, which it cuts off, and refuses with bad what is not
// a line of at most limit bytes. The line is borrowed until the next read.
func (b *body) line(bad protocolError, limit int) ([]byte, error) {
	line, err := b.br.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull) || len(line) > limit:
		return nil, bad
	case err != nil:
		return nil, cut(err)
	case !bytes.HasSuffix(line, []byte("\r\n")):
		return nil, bad
	}
	return line[:len(line)-2], nil
}

// parseChunkSize parses 1*HEXDIG [BWS ";" extension], up to 15 digits.
func parseChunkSize(line []byte) (size int64, ok bool) {
	digits := 0
	for ; digits < len(line); digits++ {
		d, hex := unhex(line[digits])
		if !hex {
			break
		}
		if digits == 15 {
			return 0, false
		}
		size = size<<4 | int64(d)
	}
	rest := bytes.TrimLeft(line[digits:], " \t")
	return size, digits > 0 && (len(rest) == 0 || rest[0] == ';') && bytes.IndexByte(rest, '\r') < 0
}

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
