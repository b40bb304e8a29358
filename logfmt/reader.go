package logfmt

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
}

// NewReader returns a Reader of the plain (not compressed) text in.
func NewReader(in io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, maxLine)}
}

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

// skip reads up to the end of a line that is too long.
func (r *Reader) skip() error {
	for {
		_, err := r.in.ReadSlice('\n')
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

// Open opens a closed log file for a [Reader], compressed or not.
func Open(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("logfmt: %w", err)
	}
	if !strings.HasSuffix(name, suffixZstd) {
		return f, nil
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("logfmt: %s: %w", name, err), f.Close())
	}
	return &zstdFile{Decoder: z, file: f}, nil
}

// zstdFile closes the decoder and the file under it.
type zstdFile struct {
	*zstd.Decoder
	file *os.File
}

func (z *zstdFile) Close() error {
	z.Decoder.Close()
	return z.file.Close()
}
