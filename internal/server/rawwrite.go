package server

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"edged/internal/edge"
)

// gatherLimit is the length up to which header and body go out in one writev.
// Above it, a header with MSG_MORE and one plain write is cheaper: measured
// 116-131 against 170-223 µs of CPU for 1 MiB, even at 64 KiB.
const gatherLimit = 64 << 10

// rawWriter sends up to three pieces as one unit with as few system calls and
// packets as possible. It belongs to one goroutine at a time and allocates
// nothing: the closure RawConn.Write needs is made once a connection.
type rawWriter struct {
	nc   net.Conn
	rc   syscall.RawConn // nil when nc is no socket
	step func(fd uintptr) bool
	sent *atomic.Int64

	pieces [3][]byte     // what is left to send; empty pieces are skipped
	more   bool          // the caller will send again at once
	owner  edge.Pausable // of the second piece; nil when that may not be given away
	parked bool          // owner is, while the socket is full
	n      int64
	err    error

	file fileSender
}

func (w *rawWriter) init(nc net.Conn, sent *atomic.Int64) {
	w.nc, w.sent, w.step, w.file.step = nc, sent, w.advance, w.advanceFile
	if sc, ok := nc.(syscall.Conn); ok {
		w.rc, _ = sc.SyscallConn()
	}
}

// send writes a, b and c in this order and returns how many bytes the kernel
// took; fewer than all means err is not nil. With more the kernel may hold back
// a last partial packet until the next send. The owner of b is parked while the
// socket is full.
func (w *rawWriter) send(owner edge.Pausable, a, b, c []byte, more bool) (int64, error) {
	w.pieces, w.more, w.n, w.err = [3][]byte{a, b, c}, more, 0, nil
	w.owner, w.parked = owner, false
	if w.rc == nil {
		w.sendPlain()
	} else if err := w.rc.Write(w.step); err != nil && w.err == nil {
		w.err = err
	}
	w.pieces, w.owner = [3][]byte{}, nil // spans are borrowed
	return w.n, w.err
}

// sendPlain serves connections that are no sockets, such as those of tests.
func (w *rawWriter) sendPlain() {
	for _, p := range w.pieces {
		if len(p) == 0 {
			continue
		}
		n, err := w.nc.Write(p)
		w.took(n)
		if err != nil {
			w.err = err
			return
		}
	}
}

// advance makes system calls until all is sent (true), an error is met (true) or
// the socket is full (false: the poller calls again when it is writable).
func (w *rawWriter) advance(fd uintptr) bool {
	if !w.resume() {
		w.err = errTaken
		return true
	}
	if w.file.raised {
		w.file.lowWater(int(fd), false)
	}
	return w.advancePieces(int(fd))
}

// advancePieces is advance for pieces that are all still there.
func (w *rawWriter) advancePieces(fd int) bool {
	for {
		first, total := w.left()
		if total == 0 {
			return true
		}
		n, err := w.call(fd, first, total)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			w.park()
			return false
		case err != nil:
			w.err = err
			return true
		case n == 0:
			w.err = io.ErrShortWrite
			return true
		}
		w.took(n)
		w.consume(n)
	}
}

// park lets the owner use the memory of the second piece while the kernel has
// enough to send.
func (w *rawWriter) park() {
	if w.owner != nil && len(w.pieces[1]) > 0 {
		w.parked = true
		w.owner.Park()
	}
}

// resume ends park. It reports false when the second piece is gone; it was not
// sent in full then.
func (w *rawWriter) resume() bool {
	if !w.parked {
		return true
	}
	w.parked = false
	return w.owner.Resume()
}

// left returns the index of the first piece that has bytes, and their sum.
func (w *rawWriter) left() (first, total int) {
	first = -1
	for i, p := range w.pieces {
		if first < 0 && len(p) > 0 {
			first = i
		}
		total += len(p)
	}
	return first, total
}

// call makes one system call for what is left.
func (w *rawWriter) call(fd, first, total int) (int, error) {
	p := w.pieces[first]
	switch {
	case len(p) == total && !w.more && total > gatherLimit:
		return unix.Write(fd, p)
	case len(p) == total && !w.more:
		return writevNow(fd, &w.pieces)
	case len(p) == total || total-len(p) > gatherLimit || len(p) > gatherLimit:
		return unix.SendmsgN(fd, p, nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL)
	default:
		return writevNow(fd, &w.pieces)
	}
}

// writevNow is writev without telling the scheduler. The socket does not block and
// the kernel has at most gatherLimit bytes to copy, some 10 µs; announcing the call
// costs more than that in wake-ups of the runtime's monitor, measured 15 % of the
// CPU of a 2 KiB hit. Larger writes go the ordinary way, so that other goroutines
// can have the processor meanwhile.
func writevNow(fd int, pieces *[3][]byte) (int, error) {
	var iov [len(pieces)]unix.Iovec
	n := 0
	for _, p := range pieces {
		if len(p) > 0 {
			iov[n].Base = &p[0]
			iov[n].SetLen(len(p))
			n++
		}
	}
	// The pointers stay valid: RawSyscall's arguments are kept alive, and what the
	// vectors point to belongs to the caller until send returns.
	r, _, errno := syscall.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&iov)), uintptr(n))
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

func (w *rawWriter) took(n int) {
	if n > 0 {
		w.n += int64(n)
		w.sent.Add(int64(n))
	}
}

// consume drops n bytes from the front of what is left.
func (w *rawWriter) consume(n int) {
	for i, p := range w.pieces {
		k := min(n, len(p))
		w.pieces[i] = p[k:]
		n -= k
	}
}
