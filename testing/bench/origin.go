package main

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxBody is the largest body the origin has, in bytes.
const maxBody = 4 << 20

// spread is by how many bytes the bodies of different paths may be shifted.
const spread = 64 << 10

// origin answers any path /SIZE/… with SIZE bytes that depend on the path, cacheable
// for an hour. It runs in this process, on the load generator's core, and like the
// generator it never sleeps.
type origin struct {
	listener net.Listener
	random   []byte // every body is a piece of it
	running  sync.WaitGroup

	mu      sync.Mutex
	stopped bool      // guarded by mu
	sockets []*socket // guarded by mu
}

// startOrigin listens on a free port of the loopback.
func startOrigin() (*origin, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	o := &origin{listener: ln, random: make([]byte, maxBody+spread)}
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(o.random) // never fails
	o.running.Go(o.accept)
	return o, nil
}

func (o *origin) address() string { return o.listener.Addr().String() }

// stop closes the listener and every connection, and waits.
func (o *origin) stop() {
	_ = o.listener.Close()
	o.mu.Lock()
	o.stopped = true
	for _, s := range o.sockets {
		s.interrupt()
	}
	o.mu.Unlock()
	o.running.Wait()
}

func (o *origin) accept() {
	for {
		nc, err := o.listener.Accept()
		if err != nil {
			return
		}
		s, err := newSocket(nc.(*net.TCPConn)) //nolint:forcetypeassert // a TCP listener's
		if err != nil || !o.keep(s) {
			_ = s.Close()
			continue
		}
		o.running.Go(func() { o.serve(s) })
	}
}

// keep notes a connection for stop, unless that has run.
func (o *origin) keep(s *socket) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sockets = append(o.sockets, s)
	return !o.stopped
}

// body returns what path is answered with, nil for a path without a size.
func (o *origin) body(path string) []byte {
	first, _, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	size, err := strconv.Atoi(first)
	if !ok || err != nil || size < 0 || size > maxBody {
		return nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(path))
	at := int(h.Sum32() % spread)
	return o.random[at : at+size]
}

// serve answers the GET requests of one connection, until it ends.
func (o *origin) serve(s *socket) {
	defer s.Close()
	buf, header := make([]byte, headBuffer), []byte(nil)
	for {
		path, err := readPath(s, buf)
		if err != nil {
			return
		}
		body := o.body(path)
		header = appendOriginHeader(header[:0], body)
		if _, err := s.send(header, unix.MSG_MORE); err != nil {
			return
		}
		if _, err := s.send(body, 0); err != nil {
			return
		}
	}
}

// readPath reads one request and returns its path.
func readPath(s *socket, buf []byte) (string, error) {
	for n := 0; n < len(buf); {
		k, err := s.read(buf[n:], true)
		if err != nil {
			return "", err
		}
		n += k
		if !bytes.HasSuffix(buf[:n], headEnd) {
			continue
		}
		path, ok := bytes.CutPrefix(buf[:n], []byte("GET "))
		path, _, found := bytes.Cut(path, []byte(" HTTP/1.1\r\n"))
		if !ok || !found {
			return "", fmt.Errorf("not a GET: %.80q", buf[:n])
		}
		return string(path), nil
	}
	return "", errors.New("request too large")
}

// appendOriginHeader appends the header for a body, that of a 404 for none.
func appendOriginHeader(dst, body []byte) []byte {
	if body == nil {
		return append(dst, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"...)
	}
	return fmt.Appendf(dst, "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: %s\r\n"+
		"Content-Type: video/mp4\r\nContent-Length: %d\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n"+
		"ETag: \"%[2]d-1\"\r\nCache-Control: public, max-age=3600\r\n\r\n",
		time.Now().UTC().Format(http.TimeFormat), len(body))
}
