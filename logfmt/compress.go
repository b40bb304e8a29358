package logfmt

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// compressAll compresses every closed file, those of earlier runs included. It
// ends early with ctx; what is left is found again.
func (k *keeper) compressAll(ctx context.Context) {
	done := make(map[string]bool)
	for _, f := range k.list(suffixZstd) {
		done[f.stem] = true
	}
	for _, f := range k.list(suffixClosed) {
		if ctx.Err() != nil {
			return
		}
		if !done[f.stem] {
			err := k.compress(ctx, f)
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, context.Canceled) {
				continue // collected meanwhile, or the writer closes
			}
			if err != nil {
				k.note("compress", f.name, err)
				continue
			}
		}
		k.remove(f.name)
	}
}

// compress makes the compressed twin of f. It has its final name only once it
// is whole and on disk, so whoever sees both may trust either.
func (k *keeper) compress(ctx context.Context, f logFile) error {
	in, err := k.w.fs.Open(f.name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	temp := f.stem + suffixTemp
	out, err := k.w.fs.Open(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	source := &untilDone{ctx, io.NewSectionReader(in, 0, f.size)}
	err = errors.Join(squeeze(io.NewOffsetWriter(out, 0), source), out.Sync(), out.Close())
	if err == nil {
		err = k.w.fs.Rename(temp, f.stem+suffixZstd)
	}
	if err != nil {
		k.remove(temp)
	}
	return err
}

// squeeze copies in to out through zstd, on this goroutine alone: it has the
// time, requests have not.
func squeeze(out io.Writer, in io.Reader) error {
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
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
