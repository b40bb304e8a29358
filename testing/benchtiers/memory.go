package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	memoryRAM     = 512 << 20
	memoryStalled = 2000
	memoryChurn   = 20      // times the RAM size that passes through it
	memoryBody    = 2 << 20 // bytes of an object
	memoryClients = 6       // that churn
	nudgeEvery    = 5 * time.Second
)

// memoryBench is a node whose clients mostly do not read.
type memoryBench struct {
	*bench
	node   *node
	size   int64 // of the RAM tier
	bodies *http.Server
	base   []byte // every body is a window of it

	mu      sync.Mutex
	stalled []*stalledClient // appended to by stall; guarded by mu until it ends

	peak     atomic.Int64 // most resident memory seen
	pinned   atomic.Int64 // most bytes evicted but pinned seen
	parked   atomic.Int64 // most bytes pinned by stalled clients seen
	failures atomic.Int64 // churning requests that did not get a whole body
}

// runMemory measures the memory of a real process on real sockets: 20 times its RAM
// tier passes through it while 2,000 clients hold on to responses that they do not
// read, and read to the end afterwards.
func runMemory(ctx context.Context, b *bench) (err error) {
	m := &memoryBench{bench: b, size: int64(b.n(memoryRAM, 32<<20)) &^ (1<<20 - 1)}
	m.base = make([]byte, memoryBody+1<<20)
	for i := range m.base {
		m.base[i] = byte(i>>11 ^ i>>3 ^ i)
	}
	origin, err := m.serveBodies()
	if err != nil {
		return err
	}
	defer m.bodies.Close() //nolint:errcheck // loopback, at the end
	m.node, err = startNode(ctx, b, fmt.Sprintf("[ram]\nsize = \"%d\"\n[log]\ndir = \"\"\nlevel = \"error\"\n"+
		"[[site]]\naccount = \"bench\"\nhosts = [\"*\"]\norigins = [\"http://%s\"]\n[site.origin]\nmax_connections = 4096\n", m.size, origin))
	if err != nil {
		return err
	}
	defer m.node.stop()
	defer m.hangUp()
	watch, done := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { m.watch(watch) })
	for _, step := range []func(context.Context) error{m.stall, m.churn, m.judge, m.resume} {
		if err = step(ctx); err != nil {
			break
		}
	}
	done()
	watcher.Wait()
	return err
}

// serveBodies starts an origin whose every path is an object of its own.
func (m *memoryBench) serveBodies() (address string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	m.bodies = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("Etag", strconv.Quote(r.URL.Path))
		w.Header().Set("Content-Type", "video/mp4")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(m.body(r.URL.Path)))
	}), ReadHeaderTimeout: patience}
	go m.bodies.Serve(ln) //nolint:errcheck // ends with Close
	return ln.Addr().String(), nil
}

// body returns the bytes of an object, which the number in its name chooses.
func (m *memoryBench) body(path string) []byte {
	n, err := strconv.Atoi(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		n = 0
	}
	at := n * 4099 % (1 << 20)
	return m.base[at : at+memoryBody]
}

// watch looks at the node now and then, and keeps stalled clients just alive.
func (m *memoryBench) watch(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	nudged := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m.peak.Store(max(m.peak.Load(), m.node.resident()))
		if s, err := m.node.memory(); err == nil {
			m.pinned.Store(max(m.pinned.Load(), s.RAM.Pinned))
			m.parked.Store(max(m.parked.Load(), s.RAM.Parked))
		}
		if time.Since(nudged) > nudgeEvery {
			nudged = time.Now()
			m.nudge()
		}
	}
}

// stall opens the clients that ask and do not read.
func (m *memoryBench) stall(ctx context.Context) error {
	for i := range m.n(memoryStalled, 100) {
		c, err := newStalledClient(ctx, m.node.address, fmt.Sprintf("/stalled/%d", i))
		if err != nil {
			return fmt.Errorf("stalled client %d: %w", i, err)
		}
		m.mu.Lock()
		m.stalled = append(m.stalled, c)
		m.mu.Unlock()
	}
	return nil
}

// churn fetches other objects until enough has passed through the memory.
func (m *memoryBench) churn(ctx context.Context) error {
	began := time.Now()
	total := memoryChurn * m.size / memoryBody
	var next atomic.Int64
	var clients sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: memoryClients, DisableCompression: true}}
	defer client.CloseIdleConnections()
	for range memoryClients {
		clients.Go(func() {
			for i := next.Add(1); i <= total && ctx.Err() == nil; i = next.Add(1) {
				if err := m.fetch(ctx, client, fmt.Sprintf("/churn/%d", i)); err != nil {
					m.failures.Add(1)
				}
			}
		})
	}
	clients.Wait()
	m.report("churned through the memory", "MiB/s", float64(total*memoryBody)/(1<<20)/time.Since(began).Seconds(), goal{})
	return ctx.Err()
}

// nudge lets every stalled client take what has come, some kilobytes, so that it
// counts as slow and not as gone: a peer with a closed window is cut after 30 s.
func (m *memoryBench) nudge() {
	m.mu.Lock()
	clients := m.stalled
	m.mu.Unlock()
	for _, c := range clients {
		c.take()
	}
}

// fetch gets one object and compares it.
func (m *memoryBench) fetch(ctx context.Context, client *http.Client, path string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.node.address+path, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // was only read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return same(resp.Body, m.body(path))
}

// judge reports the figures while the clients still stall.
func (m *memoryBench) judge(context.Context) error {
	s, err := m.node.memory()
	if err != nil {
		return err
	}
	const mib = 1 << 20
	bound := float64(m.size)*1.05/mib + 200
	m.report("memory tier", "MiB", float64(m.size)/mib, goal{})
	m.report("evicted while clients stall", "× size", float64(s.RAM.Evicted)/float64(m.size), goal{})
	m.report("stalled clients", "", float64(len(m.stalled)), goal{})
	m.report("pins taken from stalled clients", "", float64(s.RAM.Taken), goal{})
	m.report("resident memory of the process", "MiB", float64(m.node.resident())/mib, atMost(bound))
	m.report("resident memory of the process, peak", "MiB", float64(m.peak.Load())/mib, atMost(bound))
	m.report("evicted but pinned, peak", "MiB", float64(m.pinned.Load())/mib, atMost(float64(s.RAM.ParkedMax)/mib))
	m.report("pinned by stalled clients, peak", "MiB", float64(m.parked.Load())/mib, atMost(float64(s.RAM.ParkedMax)/mib))
	m.report("requests of others that failed", "", float64(m.failures.Load()), atMost(0))
	m.report("allocations that found no memory", "", float64(s.RAM.Failures), atMost(0))
	return nil
}

// resume lets the stalled clients read to the end.
func (m *memoryBench) resume(ctx context.Context) error {
	var whole atomic.Int64
	var wrong, first atomic.Pointer[error]
	var workers sync.WaitGroup
	next := make(chan *stalledClient)
	for range memoryClients {
		workers.Go(func() {
			for c := range next {
				switch err := c.finish(m.body(c.path)); {
				case err == nil:
					whole.Add(1)
				case errors.Is(err, errWrongBytes):
					wrong.Store(&err)
				default:
					first.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	for _, c := range m.stalled {
		next <- c
	}
	close(next)
	workers.Wait()
	m.report("stalled clients that got the rest", "", float64(whole.Load()), atLeast(float64(len(m.stalled))))
	if err := first.Load(); err != nil {
		fmt.Fprintln(os.Stderr, "a stalled client did not get the rest:", *err)
	}
	if err := wrong.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

func (m *memoryBench) hangUp() {
	for _, c := range m.stalled {
		_ = c.conn.Close()
	}
}

// errWrongBytes is the one thing that must never happen.
var errWrongBytes = errors.New("wrong bytes")

// same reads r to the end and compares it with want.
func same(r io.Reader, want []byte) error {
	got, err := io.ReadAll(r)
	switch {
	case !bytes.HasPrefix(want, got):
		return errWrongBytes
	case err != nil:
		return err
	case len(got) != len(want):
		return io.ErrUnexpectedEOF
	}
	return nil
}

// stalledClient has asked for an object and reads next to nothing of it.
type stalledClient struct {
	path string
	conn net.Conn
	resp *http.Response

	mu   sync.Mutex
	head []byte // what it has read so far
}

// smallWindow keeps the kernel from taking much on behalf of a client.
func smallWindow(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 64<<10) // without it the test is weaker, not wrong
	})
}

func newStalledClient(ctx context.Context, address, path string) (*stalledClient, error) {
	d := net.Dialer{Control: smallWindow}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &stalledClient{path: path, conn: conn}
	_ = conn.SetDeadline(time.Now().Add(5 * time.Minute))
	if _, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", path); err == nil {
		c.resp, err = http.ReadResponse(bufio.NewReaderSize(conn, 1<<10), nil)
	}
	if err == nil && c.resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", c.resp.StatusCode)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

// take reads once what is there.
func (c *stalledClient) take() {
	if !c.mu.TryLock() {
		return // it does not stall any more
	}
	defer c.mu.Unlock()
	part := make([]byte, 64<<10)
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	n, _ := c.resp.Body.Read(part) // an error shows again in finish
	_ = c.conn.SetReadDeadline(time.Now().Add(5 * time.Minute))
	c.head = append(c.head, part[:n]...)
}

// finish reads to the end and compares the whole with want.
func (c *stalledClient) finish(want []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !bytes.HasPrefix(want, c.head) {
		return errWrongBytes
	}
	return same(c.resp.Body, want[len(c.head):])
}
