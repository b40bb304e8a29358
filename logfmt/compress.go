package logfmt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression is what becomes of closed files.
type Compression uint8

// The compressions.
const (
	CompressNone Compression = iota // closed files stay as they are
	CompressZstd
	CompressGzip
)

// String returns the word that configuration uses.
func (c Compression) String() string { return [...]string{"none", "zstd", "gzip"}[c] }

// ParseCompression is the inverse of Compression.String.
func ParseCompression(s string) (Compression, error) {
	for _, c := range []Compression{CompressNone, CompressZstd, CompressGzip} {
		if c.String() == s {
			return c, nil
		}
	}
	return 0, fmt.Errorf("logfmt: unknown compression %q: use \"none\", \"zstd\" or \"gzip\"", s)
}

// suffix is what a compressed file has for .log.
func (c Compression) suffix() string {
	if c == CompressGzip {
		return suffixGzip
	}
	return suffixZstd
}

// compressAll compresses every closed file, those of earlier runs included. It
// ends early with ctx; what is left is found again.
func (k *keeper) compressAll(ctx context.Context) {
	done := make(map[string]string)
	for _, f := range k.list(suffixZstd, suffixGzip) {
		done[f.stem] = f.name
	}
	for _, f := range k.list(suffixClosed) {
		if ctx.Err() != nil {
			return
		}
		if err := k.replaceByPacked(ctx, f, done[f.stem]); err != nil &&
			!errors.Is(err, os.ErrNotExist) && !errors.Is(err, context.Canceled) { // collected meanwhile, or the writer closes
			k.note("compress", f.name, err)
		}
	}
}

// replaceByPacked leaves a compressed file, described, where there was a plain one.
// packed is the name of one that an earlier run made, "" for none.
func (k *keeper) replaceByPacked(ctx context.Context, f logFile, packed string) error {
	m := k.manifestOf(f.stem)
	if m == nil {
		return nil // the next round has it
	}
	if packed == "" {
		packed = f.stem + k.w.opts.Compress.suffix()
		if err := k.compress(ctx, f, packed); err != nil {
			return err
		}
	}
	sum, err := k.sum(packed)
	if err != nil {
		return err
	}
	m.File = sum
	if err := k.writeManifest(f.stem, m); err != nil {
		return err
	}
	k.remove(f.name)
	return nil
}

// sum returns length and hash of one of our files.
func (k *keeper) sum(name string) (FileSum, error) {
	in, err := k.w.fs.Open(name, os.O_RDONLY)
	if err != nil {
		return FileSum{}, err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	sum, err := hashOf(in, math.MaxInt64)
	sum.Name = name
	return sum, err
}

// compress makes the compressed twin of f. It has its final name only once it
// is whole and on disk, so whoever sees both may trust either.
func (k *keeper) compress(ctx context.Context, f logFile, packed string) error {
	in, err := k.w.fs.Open(f.name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	temp := packed + ".part"
	out, err := k.w.fs.Open(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	source := &untilDone{ctx, io.NewSectionReader(in, 0, f.size)}
	err = errors.Join(squeeze(k.w.opts.Compress, io.NewOffsetWriter(out, 0), source), out.Sync(), out.Close())
	if err == nil {
		err = k.w.fs.Rename(temp, packed)
	}
	if err != nil {
		k.remove(temp)
	}
	return err
}

// squeeze copies in to out through a compressor, on this goroutine alone: it has the
// time, requests have not.
func squeeze(c Compression, out io.Writer, in io.Reader) error {
	var z io.WriteCloser
	var err error
	if c == CompressGzip {
		z = gzip.NewWriter(out)
	} else {
		z, err = zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(z, in)
	return errors.Join(err, z.Close())
}

// untilDone reads until its context ends.
type untilDone struct {
	ctx context.Context
	in  io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.in.Read(p)
}
