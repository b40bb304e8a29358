package admin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"syscall"
)

// peerKey is under what the context of a request has its peer.
type peerKey struct{}

// withPeer notes who is at the other end of a connection: the user and process of a
// unix socket, as the kernel knows them.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, peerName(c))
}

// peerName is how the log calls the other end: no address of the network is in it.
func peerName(c net.Conn) string {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return "tcp"
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return "unix"
	}
	name := "unix"
	if err := raw.Control(func(fd uintptr) {
		if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			name = fmt.Sprintf("unix uid %d pid %d", cred.Uid, cred.Pid)
		}
	}); err != nil {
		return "unix"
	}
	return name
}

func peerOf(r *http.Request) string {
	name, _ := r.Context().Value(peerKey{}).(string)
	return name
}
