package logfmt

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxLine is the longest line in bytes, newline included, that the writer
// writes and the reader reads. Records of blocks keep to it, too, as lines.
const maxLine = 256 << 10

// Reader reads the records of a log file of any format. Columns of a W3C
// file are found by the names in its #Fields directive, so files of other
// versions and orders can be read.
//
// It takes a file for a sequence of pieces: a line, or a block. One that is no good is
// an error, and reading goes on behind it; only where the head of a block is damaged
// nobody can tell where the next one begins, so that the rest is one bad piece.
//
//	in := logfmt.NewReader(file)
//	var r logfmt.Record
//	for {
//		if err := in.Read(&r); err == io.EOF {
//			break
//		} else if err != nil {
//			return err
//		}
//		…
//	}
type Reader struct {
	in      *bufio.Reader
	columns columns // nil before a #Fields directive
	words   interner
	block   blockReader // of the last piece, if it is a block
	held    int         // bytes of it, still in the buffer
	line    int
	format  Format           // of the last piece
	trailer *Trailer         // nil before the file's trailer
	passing func(raw []byte) // gets every piece but the trailer, newline included; may be nil
}

// NewReader returns a Reader of the plain (not compressed) text in.
func NewReader(in io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, maxBlock)}
}

// Trailer returns what the file says of itself in its last piece, nil before Read has
// come there or when the file has none.
func (r *Reader) Trailer() *Trailer { return r.trailer }

// Line returns the number of the line, or block, that Read read last, counted from 1.
func (r *Reader) Line() int { return r.line }

// Read reads the next record into rec, as [Parse] does. It returns io.EOF at
// the end, ErrTorn for a last line or block without its end, ErrSyntax or ErrVersion for
// a line that is no record and a block that has none, or no more. Reading may go on
// after such a one.
func (r *Reader) Read(rec *Record) error {
	for {
		if r.block.left > 0 {
			rec.reset()
			return r.numbered(r.block.read(rec, &r.words))
		}
		r.release()
		if head, err := r.in.Peek(len(blockMagic)); err == nil && isBlock(head) {
			if err := r.nextBlock(); err != nil {
				return r.numbered(err)
			}
			continue
		}
		line, err := r.next()
		if err != nil {
			return err
		}
		if len(line) == 0 || line[0] == '#' {
			r.directive(line)
			continue
		}
		r.format = W3C
		if line[0] == '{' {
			r.format = JSON
		}
		rec.reset()
		return r.numbered(r.parse(line, rec))
	}
}

// numbered says in which piece an error was.
func (r *Reader) numbered(err error) error {
	switch {
	case err == nil:
		return nil
	case r.format == Binary:
		return fmt.Errorf("block %d: %w", r.line, err)
	}
	return fmt.Errorf("line %d: %w", r.line, err)
}

// next returns the next line without its newline, borrowed until the next call; an empty
// one for a trailer.
func (r *Reader) next() ([]byte, error) {
	r.line++
	line, err := r.in.ReadSlice('\n')
	if r.format == Binary && len(line) > 0 {
		r.format = W3C // until the line says more
	}
	if r.isTrailer(line, err) {
		return nil, nil
	}
	r.pass(line)
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, errors.Join(fmt.Errorf("line %d: %w: too long", r.line, ErrSyntax), r.skip())
	case len(line) > maxLine && (err == nil || errors.Is(err, io.EOF)):
		return nil, fmt.Errorf("line %d: %w: too long", r.line, ErrSyntax)
	case err == nil:
		return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, fmt.Errorf("line %d: %w", r.line, ErrTorn)
	}
	return nil, err
}

// nextBlock begins the next block, or keeps the trailer that it is. The block stays in
// the buffer until release.
func (r *Reader) nextBlock() error {
	r.line++
	r.format = Binary
	head, err := r.in.Peek(blockHead)
	if err != nil {
		return r.tornBlock(head, err)
	}
	info, bad := parseHead(head)
	if bad != nil && !errors.Is(bad, ErrVersion) {
		return errors.Join(bad, r.skipAll())
	}
	block, err := r.in.Peek(blockHead + info.length)
	if err != nil {
		return r.tornBlock(block, err)
	}
	r.held = len(block)
	if bad == nil && info.kind == blockOfTrailer {
		if t := parseTrailerBlock(block[blockHead:], &info); t != nil {
			r.trailer = t
			return nil
		}
	}
	r.pass(block)
	if bad != nil {
		return bad
	}
	if info.kind != blockOfRecords {
		return fmt.Errorf("%w: a block of kind %q", ErrSyntax, info.kind)
	}
	return r.block.begin(&info, block[blockHead:])
}

// release gives the room of the last block back.
func (r *Reader) release() {
	_, _ = r.in.Discard(r.held) // it is in the buffer
	r.held = 0
}

// tornBlock tells a block that the file does not have to its end from trouble with
// reading.
func (r *Reader) tornBlock(rest []byte, err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	r.held = len(rest)
	r.pass(rest)
	return ErrTorn
}

// skipAll reads up to the end of the file: nobody can tell where another block begins,
// and what looks like one may be in a path that somebody asked for.
func (r *Reader) skipAll() error {
	for {
		_, err := r.in.Peek(1)
		if err == nil {
			rest, _ := r.in.Peek(r.in.Buffered())
			r.pass(rest)
			_, err = r.in.Discard(len(rest))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *Reader) pass(raw []byte) {
	if r.passing != nil {
		r.passing(raw)
	}
}

// isTrailer keeps a trailer.
func (r *Reader) isTrailer(line []byte, err error) bool {
	if err != nil || !bytes.Contains(line[:min(len(line), len(trailerJSON)+8)], []byte("railer")) {
		return false
	}
	t := parseTrailer(line[:len(line)-1])
	if t != nil {
		r.trailer = t
	}
	return t != nil
}

// skip reads up to the end of a line that is too long.
func (r *Reader) skip() error {
	for {
		rest, err := r.in.ReadSlice('\n')
		r.pass(rest)
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				return nil // the next Read says so
			}
			return err
		}
	}
}

func (r *Reader) parse(line []byte, rec *Record) error {
	if line[0] == '{' {
		return parseJSON(line, rec, &r.words)
	}
	if r.columns == nil {
		return fmt.Errorf("%w: no #Fields directive before it", ErrSyntax)
	}
	return parseW3C(line, rec, r.columns, &r.words)
}

func (r *Reader) directive(line []byte) {
	if names, ok := bytes.CutPrefix(line, []byte("#Fields:")); ok {
		r.columns = parseColumns(names)
	}
}

// Open opens a log file for a [Reader], compressed or not; by its name, which ends in
// .zst or .gz where it is.
func Open(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("logfmt: %w", err)
	}
	if !strings.HasSuffix(name, suffixZstd) && !strings.HasSuffix(name, suffixGzip) {
		return f, nil
	}
	in, err := expand(name, f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("logfmt: %s: %w", name, err), f.Close())
	}
	return &packedFile{in, f}, nil
}

func expand(name string, f io.Reader) (io.ReadCloser, error) {
	if strings.HasSuffix(name, suffixGzip) {
		return gzip.NewReader(f)
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return z.IOReadCloser(), nil
}

// packedFile closes the decoder and the file under it.
type packedFile struct {
	io.ReadCloser
	file *os.File
}

func (p *packedFile) Close() error { return errors.Join(p.ReadCloser.Close(), p.file.Close()) }
