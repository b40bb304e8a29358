package disk

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// ReadOnce reads with RWF_DONTCACHE (Linux 6.14, file systems that know it), which
// drops what it had to read from the device as soon as it has been copied. Elsewhere
// the range is dropped from the page cache afterwards, whoever put it there.
func (f *realFile) ReadOnce(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) && !f.noDontCache.Load() {
		n, err := unix.Preadv2(f.fd, [][]byte{p[done:]}, off+int64(done), unix.RWF_DONTCACHE)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
			f.noDontCache.Store(true)
		case err != nil:
			return done, f.fail("read", err)
		case n == 0:
			return done, io.EOF
		default:
			done += n
		}
	}
	if done == len(p) {
		return done, nil
	}
	n, err := f.ReadAt(p[done:], off+int64(done))
	_ = unix.Fadvise(f.fd, off, int64(len(p)), unix.FADV_DONTNEED) // advice
	return done + n, err
}
