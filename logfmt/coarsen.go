package logfmt

import (
	"bufio"
	"errors"
	"io"
	"os"
)

// coarsen writes a closed file anew with what too few viewers share made coarser, and
// puts the result in its place. The records keep their numbers and their order.
// content is the trailer of the file as it is.
func (k *keeper) coarsen(in file, f logFile, content Trailer) error {
	temp := f.stem + suffixTempCoarse
	out, err := k.w.fs.Open(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	c := coarsener{crowd: k.w.crowd, tally: newTally(), in: NewReader(io.NewSectionReader(in, 0, f.size))}
	err = c.copy(bufio.NewWriterSize(io.NewOffsetWriter(out, 0), chunkSize), content, func(f Format) []byte {
		return AppendHeader(nil, f, k.w.opts.Software, k.w.opts.Now())
	})
	if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
		err = k.w.fs.Rename(temp, f.stem+suffixClosed)
	}
	if err != nil {
		k.remove(temp)
		return err
	}
	k.w.counters.closed.Add(1)
	k.w.counters.addAnonymity(c.tally.sum.Anonymity)
	k.remove(f.stem + suffixPart)
	return k.writeManifest(f.stem, k.describe(f.stem, c.format, f.begun, c.tally.sum, c.plain))
}

// coarsener copies the records of one file.
type coarsener struct {
	crowd  *crowd
	in     *Reader
	tally  *tally
	format Format
	plain  FileSum
	pen    *Encoder // nil before the first record
	line   []byte
}

// copy writes header, records and trailer. Lines and blocks that are no good are left
// out, and counted as torn: nobody can tell what is in them.
func (c *coarsener) copy(out *bufio.Writer, content Trailer, header func(Format) []byte) error {
	done := &Anonymity{K: c.crowd.k}
	var r Record
	for {
		err := c.in.Read(&r)
		switch {
		case err == io.EOF: //nolint:errorlint // Read returns it bare
			if c.pen != nil {
				c.put(out, c.pen.End(nil))
			}
			sum := c.tally.sum
			c.tally.sum = content
			c.tally.sum.Bytes, c.tally.sum.Anonymity = sum.Bytes, done
			return c.end(out)
		case passing(err) || errors.Is(err, ErrTorn):
			content.TornBytes++
			continue
		case err != nil:
			return err
		}
		if c.pen == nil {
			c.format = c.in.format
			c.pen = NewEncoder(c.format, Strike)
			c.put(out, header(c.format))
		}
		c.crowd.coarsen(&r, done)
		c.line = c.pen.Append(c.line[:0], &r)
		c.put(out, c.line)
	}
}

// put writes through the tally; a bufio.Writer keeps its error for Flush.
func (c *coarsener) put(out *bufio.Writer, text []byte) {
	c.tally.add(text, batch{})
	_, _ = out.Write(text)
}

func (c *coarsener) end(out *bufio.Writer) error {
	var line []byte
	line, c.plain = c.tally.end(c.format)
	_, _ = out.Write(line)
	return out.Flush()
}
