package edgetest

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
)

// Unused returns the URL of an address at which nobody listens until the test ends:
// connections to it are refused at once. A socket keeps the port without listening on
// it; of a port that was merely free a moment ago, another process may have made its
// own.
func Unused(t testing.TB) string {
	t.Helper()
	return "http://" + occupy(t, 0)
}

// occupy binds a port of loopback, 0 for any that is free, and returns its address.
func occupy(t testing.TB, port int) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(os.NewSyscallError("socket", err))
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	// Connections of a server that was there before may not have been forgotten yet.
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(os.NewSyscallError("setsockopt", err))
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: loopback.As4()}); err != nil {
		t.Fatal(os.NewSyscallError("bind", err))
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(os.NewSyscallError("getsockname", err))
	}
	return net.JoinHostPort(loopback.String(), strconv.Itoa(at.(*syscall.SockaddrInet4).Port))
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})
