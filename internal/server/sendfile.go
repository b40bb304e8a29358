package server

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"edged/internal/edge"

	"golang.org/x/sys/unix"
)

const (
	// sendfileFrom is the length of a response from which sendfile pays, in bytes.
	// Measured against copying from memory, in CPU: with reno 0.6 to 0.9 from 64 KiB
	// up; with bbr where the kernel itself has to pace (no fq) 0.5 to 0.9 from 1 MiB up
	// but 1.5 to 2 at 256 and 512 KiB, because sendfile hands over 64 KiB at a time
	// and each may set a timer. See docs/design/007-sendfile.md.
	sendfileFrom = 1 << 20
	// probeStep is how far apart the bytes are by which we tell whether a range is in
	// memory. The kernel reads ahead and forgets in larger steps than pages.
	probeStep = 256 << 10
	// notSentFile is TCP_NOTSENT_LOWAT while a file is sent. What waits in the socket
	// is then no copy but a reference to the page cache, and every wake-up costs: 4 MiB
	// with bbr that the kernel paces 1230 to 1410 µs of CPU, with 256 KiB 1960 to 2100.
	notSentFile = 8 << 20
	// maxSending bounds the sendfile calls under way in the process. None of them waits,
	// so that there are about as many as processors, unless pages left memory between
	// probe and call: then a sick disk holds this many threads at most.
	maxSending = 64
)

// fileSender is the part of a rawWriter that sends from a file.
type fileSender struct {
	step    func(fd uintptr) bool
	sending *atomic.Int32 // calls under way in the process; nil: never send
	notSent int           // TCP_NOTSENT_LOWAT of the connection otherwise; 0: leave it alone
	raised  bool          // it is notSentFile now

	fd   int
	off  int64 // moved by the kernel
	left int
}

// sendFile writes head and then the range, from the page cache alone. See fileWire.
func (w *rawWriter) sendFile(head []byte, f edge.FileSpan) (int64, error) {
	w.pieces, w.more, w.n, w.err = [3][]byte{head}, true, 0, nil
	w.owner, w.parked = nil, false
	if w.rc == nil || w.file.sending == nil || !warm(f.FD, f.Offset, min(f.Length, probeStep)) {
		return 0, nil
	}
	w.file.fd, w.file.off, w.file.left = f.FD, f.Offset, f.Length
	if err := w.rc.Write(w.file.step); err != nil && w.err == nil {
		w.err = err
	}
	w.pieces = [3][]byte{}
	return w.n, w.err
}

// lowWater sets TCP_NOTSENT_LOWAT for sending from a file, or for copying again. It
// is an improvement, not a need: a failure is ignored.
func (f *fileSender) lowWater(socket int, raise bool) {
	f.raised = raise
	if n := f.notSent; n > 0 {
		if raise {
			n = max(n, notSentFile)
		}
		_ = unix.SetsockoptInt(socket, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, n)
	}
}

// advanceFile makes system calls until all is sent, or what is left is cold (true),
// an error is met (true) or the socket is full (false).
func (w *rawWriter) advanceFile(fd uintptr) bool {
	if _, total := w.left(); total > 0 {
		if !w.advancePieces(int(fd)) {
			return false
		}
		if w.err != nil {
			return true
		}
	}
	if !w.file.raised {
		w.file.lowWater(int(fd), true)
	}
	for f := &w.file; f.left > 0; {
		if !warm(f.fd, f.off, f.left) {
			return true
		}
		n, err := f.call(int(fd))
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false
		case err == unix.EIO || err == nil && n == 0:
			return true // the file's fault: somebody else will find out
		case err != nil:
			w.err = err
			return true
		default:
			w.took(n)
			f.left -= n
		}
	}
	return true
}

// call makes one sendfile call, or none when too many hang.
func (f *fileSender) call(socket int) (int, error) {
	defer f.sending.Add(-1)
	if f.sending.Add(1) > maxSending {
		return 0, nil
	}
	return unix.Sendfile(socket, f.fd, &f.off, f.left)
}

// warm reports whether a range of a file seems to be in memory: it reads single
// bytes, each only if that can be done at once. Like writevNow it does not tell the
// scheduler, and unlike unix.Preadv2 it allocates nothing.
func warm(fd int, off int64, n int) bool {
	var b [1]byte
	iov := unix.Iovec{Base: &b[0]}
	iov.SetLen(1)
	for end := off + int64(n); off < end; off += probeStep {
		k, _, errno := syscall.RawSyscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&iov)), 1, uintptr(off), 0, unix.RWF_NOWAIT)
		if k != 1 || errno != 0 {
			return false
		}
	}
	return true
}

// filesOf returns body if its bytes had better be sent from files, else nil.
func (d *delivery) filesOf(body edge.Body, size int64) edge.FileBody {
	if size < sendfileFrom {
		return nil
	}
	files, ok := body.(edge.FileBody)
	if _, can := d.wire.(fileWire); !ok || !can {
		return nil
	}
	return files
}

// sendFile sends what is in head and the next range, if it is in a file and in
// memory. It returns how many bytes of the body were sent; whole is false when the
// next ones have to be sent otherwise.
func (d *delivery) sendFile(body edge.FileBody, left int64) (sent int64, whole bool, err error) {
	f, ok := body.NextFile()
	if !ok {
		return 0, false, nil
	}
	if int64(f.Length) > left {
		return 0, false, errBodyLength
	}
	head := int64(len(d.head))
	n, err := d.wire.(fileWire).sendFile(d.head, f)
	if n > 0 {
		d.clock()
	}
	sentHead := min(n, head)
	sent = n - sentHead
	d.account.Header += sentHead
	d.account.Body += sent
	d.head = d.head[sentHead:]
	if rest := f.Length - int(sent); rest > 0 {
		body.Unread(rest)
		return sent, false, err
	}
	return sent, true, err
}
