package disk

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// sealedFS is a file layer under which nothing readable reaches the disk: every
// file but lock and superblock is encrypted, and begins with an envelope that its
// user does not see.
//
// No keystream is used for two plaintexts. Every file has a salt of its own, and
// whoever writes below what may have been written already starts a new epoch,
// which takes everything behind it. That suits logs, which are all we have: only
// a torn tail is ever written over.
type sealedFS struct {
	FS
	ring    *keyring
	scratch sync.Pool // *[]byte of sealStep bytes
}

// sealStep is how many bytes are encrypted before they are written: plaintext may
// be shared with readers, so that it is copied, and half a cache holds the copy.
const sealStep = 256 << 10

func newSealedFS(under FS, ring *keyring) *sealedFS {
	s := &sealedFS{FS: under, ring: ring}
	s.scratch.New = func() any {
		b := make([]byte, sealStep)
		return &b
	}
	return s
}

// readable reports whether a file stays as it is: it holds nothing of content.
func readableName(name string) bool {
	switch filepath.Base(name) {
	case lockName, superName, superName + tempSuffix:
		return true
	}
	return false
}

// OpenFile implements FS.
func (s *sealedFS) OpenFile(name string, flag int) (File, error) {
	f, err := s.FS.OpenFile(name, flag)
	if err != nil || readableName(name) {
		return f, err
	}
	sealed := &sealedFile{File: f, fs: s}
	if flag&(os.O_TRUNC|os.O_EXCL) != 0 {
		err = sealed.begin()
	} else {
		err = sealed.load()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return sealed, nil
}

// List implements FS with the lengths that users of the files see.
func (s *sealedFS) List(dir string) ([]FileInfo, error) {
	files, err := s.FS.List(dir)
	for i := range files {
		if !readableName(files[i].Name) {
			files[i].Size = max(0, files[i].Size-envelopeSize)
		}
	}
	return files, err
}

// sealedFile encrypts what is written and decrypts what is read.
type sealedFile struct {
	File
	fs     *sealedFS
	epochs atomic.Pointer[[]epoch] // ascending; the first is from 0

	mu      sync.Mutex // held by writers
	written int64      // below, a keystream of the last epoch may be used up; guarded by mu
}

// begin makes the envelope of a new file.
func (f *sealedFile) begin() error { return f.renew(0) }

// load reads the envelope of a file. How much of it was ever written is not known.
func (f *sealedFile) load() error {
	b := make([]byte, envelopeSize)
	if err := readFull(f.File, b, 0); err != nil {
		return err
	}
	epochs, err := f.fs.ring.parseEnvelope(b)
	if err != nil {
		return err
	}
	f.epochs.Store(&epochs)
	f.written = math.MaxInt64
	return nil
}

// renew starts an epoch at off. The epochs behind it are over. The envelope is as
// durable as what is written under it: both wait for the same Sync.
func (f *sealedFile) renew(off int64) error {
	next, err := f.fs.ring.newEpoch(off)
	if err != nil {
		return err
	}
	var epochs []epoch
	if old := f.epochs.Load(); old != nil {
		for _, e := range *old {
			if e.from < off {
				epochs = append(epochs, e)
			}
		}
	}
	epochs = append(epochs, next)
	if len(epochs) > maxEpochs {
		return fmt.Errorf("disk: file was written over %d times", maxEpochs)
	}
	if _, err := f.File.WriteVec([][]byte{encodeEnvelope(epochs)}, 0); err != nil {
		return err
	}
	f.epochs.Store(&epochs)
	f.written = off
	return nil
}

// WriteVec implements File.
func (f *sealedFile) WriteVec(bufs [][]byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off < f.written {
		if err := f.renew(off); err != nil {
			return 0, err
		}
	}
	scratch := f.fs.scratch.Get().(*[]byte)
	defer f.fs.scratch.Put(scratch)
	done := 0
	for bufs = advance(bufs, 0); len(bufs) > 0; {
		n := gather(*scratch, bufs)
		bufs = advance(bufs, n)
		k, err := f.writeStep((*scratch)[:n], off+int64(done))
		done += k
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// writeStep encrypts p in place and writes it. Its keystream counts as used even
// when the write fails.
func (f *sealedFile) writeStep(p []byte, off int64) (int, error) {
	f.written = off + int64(len(p))
	f.xor(p, off)
	return f.File.WriteVec([][]byte{p}, off+envelopeSize)
}

// gather copies from bufs what fits into dst and returns how much that is.
func gather(dst []byte, bufs [][]byte) (n int) {
	for _, b := range bufs {
		n += copy(dst[n:], b)
	}
	return n
}

// xor encrypts or decrypts p, which is at off, epoch by epoch.
func (f *sealedFile) xor(p []byte, off int64) {
	epochs := *f.epochs.Load()
	for i := len(epochs) - 1; i >= 0 && len(p) > 0; i-- {
		e := &epochs[i]
		at := max(0, e.from-off)
		if at >= int64(len(p)) {
			continue
		}
		e.xor(p[at:], off+at)
		p = p[:at]
	}
}

// ReadAt implements File.
func (f *sealedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off+envelopeSize)
	f.xor(p[:n], off)
	return n, err
}

// ReadOnce implements File.
func (f *sealedFile) ReadOnce(p []byte, off int64) (int, error) {
	n, err := f.File.ReadOnce(p, off+envelopeSize)
	f.xor(p[:n], off)
	return n, err
}

// TryReadAt implements File.
func (f *sealedFile) TryReadAt(p []byte, off int64) bool {
	if !f.File.TryReadAt(p, off+envelopeSize) {
		return false
	}
	f.xor(p, off)
	return true
}

// Resize implements File.
func (f *sealedFile) Resize(size int64) error { return f.File.Resize(size + envelopeSize) }
