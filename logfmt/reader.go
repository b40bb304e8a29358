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
// writes and the reader reads.
const maxLine = 256 << 10

// Reader reads the records of a log file of either format. Columns of a W3C
// file are found by the names in its #Fields directive, so files of other
// versions and orders can be read.
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
	line    int
	format  Format           // of the last line
	trailer *Trailer         // nil before the file's trailer
	passing func(raw []byte) // gets every line but the trailer, newline included; may be nil
}

// NewReader returns a Reader of the plain (not compressed) text in.
func NewReader(in io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, maxLine)}
}

// Trailer returns what the file says of itself in its last line, nil before Read has
// come there or when the file has none.
func (r *Reader) Trailer() *Trailer { return r.trailer }

// Line returns the number of the line that Read read last, counted from 1.
func (r *Reader) Line() int { return r.line }

// Read reads the next record into rec, as [Parse] does. It returns io.EOF at
// the end, ErrTorn for a last line without its end, ErrSyntax or ErrVersion for
// a line that is no record. Reading may go on after such a line.
func (r *Reader) Read(rec *Record) error {
	for {
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
		if err := r.parse(line, rec); err != nil {
			return fmt.Errorf("line %d: %w", r.line, err)
		}
		return nil
	}
}

// next returns the next line without its newline, borrowed until the next call.
func (r *Reader) next() ([]byte, error) {
	r.line++
	line, err := r.in.ReadSlice('\n')
	if r.isTrailer(line, err) {
		r.line++
		line, err = r.in.ReadSlice('\n')
	}
	if r.passing != nil {
		r.passing(line)
	}
	switch {
	case err == nil:
		return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, errors.Join(fmt.Errorf("line %d: %w: too long", r.line, ErrSyntax), r.skip())
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, fmt.Errorf("line %d: %w", r.line, ErrTorn)
	}
	return nil, err
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
		if r.passing != nil {
			r.passing(rest)
		}
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
