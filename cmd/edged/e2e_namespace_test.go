package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"edged/internal/edgetest"
)

// namespaceEnv tells the test binary that it runs in a network of its own.
const namespaceEnv = "EDGED_TEST_NAMESPACE"

// inNamespace runs the calling test once more as a process in a network of its own,
// where nothing but loopback is, which has one address more. There f is called. Where
// the system allows no such thing, the test is skipped.
func inNamespace(t *testing.T, address string, f func(t *testing.T)) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short")
	}
	if os.Getenv(namespaceEnv) != "" {
		if err := addLoopback(netip.MustParseAddr(address)); err != nil {
			t.Skipf("no IPv6 or no right to configure it: %v", err)
		}
		f(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), namespaceEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, // root within may add addresses
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	edgetest.Share(t, cmd)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skipf("no network namespace: %v", err)
	case err == nil && strings.Contains(string(out), "--- SKIP: "+t.Name()):
		t.Skipf("in a network of its own:\n%s", out)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("in a network of its own: %v\n%s", err, out)
	}
}

// addLoopback takes the loopback device of a new namespace up and adds an IPv6 address.
func addLoopback(a netip.Addr) error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	s, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	up, err := unix.NewIfreq(lo.Name)
	if err != nil {
		return err
	}
	up.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOOPBACK)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, up); err != nil {
		return fmt.Errorf("loopback up: %w", err)
	}
	add := struct { // struct in6_ifreq of linux/ipv6.h
		address [16]byte
		prefix  uint32
		index   int32
	}{a.As16(), 128, int32(lo.Index)}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&add))); errno != 0 {
		return fmt.Errorf("address on loopback: %w", errno)
	}
	return nil
}
