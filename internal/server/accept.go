package server

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// acceptor takes connections from a listener and lives through everything but
// its end. fasthttp and net/http both stop serving for good, or spin, when the
// process runs out of file descriptors.
type acceptor struct {
	ln    net.Listener
	count *counters
	spare *os.File // reserve descriptor, nil while it could not be had
	delay time.Duration
	sleep func(time.Duration) // time.Sleep but in tests
}

const (
	minAcceptDelay = 5 * time.Millisecond
	maxAcceptDelay = time.Second
)

func newAcceptor(ln net.Listener, count *counters) *acceptor {
	a := &acceptor{ln: ln, count: count, sleep: time.Sleep}
	a.reserve()
	return a
}

// next returns the next connection; an error means the listener has ended.
func (a *acceptor) next() (net.Conn, error) {
	for {
		nc, err := a.ln.Accept()
		switch {
		case err == nil:
			a.delay = 0
			a.reserve()
			return nc, nil
		case !survivable(err):
			return nil, err
		}
		a.count.AcceptErrors.Add(1)
		if outOfFiles(err) {
			a.shed()
		}
		if !errors.Is(err, syscall.ECONNABORTED) {
			a.backOff()
		}
	}
}

// survivable reports whether accepting may work again later.
func survivable(err error) bool {
	if outOfFiles(err) {
		return true
	}
	for _, e := range []error{
		syscall.ECONNABORTED, syscall.ENOBUFS, syscall.ENOMEM,
		// A peer's trouble that Linux reports through accept (accept(2)).
		syscall.EPROTO, syscall.ENETDOWN, syscall.EHOSTDOWN,
		syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENONET, syscall.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// shed gives up the reserve descriptor to take one connection off the queue and
// close it, so that its client learns at once instead of waiting for a timeout.
func (a *acceptor) shed() {
	if a.spare == nil {
		return
	}
	_ = a.spare.Close()
	a.spare = nil
	if nc, err := a.ln.Accept(); err == nil {
		a.count.Shed.Add(1)
		_ = nc.Close()
	}
	a.reserve()
}

func (a *acceptor) reserve() {
	if a.spare == nil {
		a.spare, _ = os.Open(os.DevNull)
	}
}

func (a *acceptor) backOff() {
	a.delay = min(max(2*a.delay, minAcceptDelay), maxAcceptDelay)
	a.sleep(a.delay)
}

func (a *acceptor) close() {
	if a.spare != nil {
		_ = a.spare.Close()
	}
}
