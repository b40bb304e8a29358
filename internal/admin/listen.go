package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"os"
	"strings"
	"time"
)

// socketMode lets the owner and the group of the daemon in.
const socketMode = 0o660

// IsSocket reports whether an admin address is the path of a unix socket.
func IsSocket(address string) bool { return strings.HasPrefix(address, "/") }

// Listen opens the admin listener on host:port or, for an address that begins with
// '/', on a unix socket for owner and group. The socket that a killed process left
// behind is replaced, one that somebody listens on is not.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	if !IsSocket(address) {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("admin: %w", err)
		}
		return l, nil
	}
	if err := clearSocket(address); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", address)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	if err := os.Chmod(address, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("admin: %w", err), l.Close())
	}
	return l, nil
}

// clearSocket removes a socket that nobody listens on, and nothing else.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("admin: %s is there and is not a socket", path)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return errors.Join(fmt.Errorf("admin: another process listens on %s", path), c.Close())
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// quietLog swallows what net/http says about broken connections: it would write
// addresses.
func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }
