package server

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
	"edged/internal/edge"
)

// fileSpans is a Body whose bytes are in memory and, in part, in a file, too.
type fileSpans struct {
	data  []byte
	file  *os.File
	from  int64 // where in the file the body begins
	n     int   // bytes of it that are there
	step  int   // length of a span
	at    int
	asked int // ranges given out
}

func (f *fileSpans) Ready() bool  { return true }
func (f *fileSpans) Close()       {}
func (f *fileSpans) Park()        {}
func (f *fileSpans) Resume() bool { return true }
func (f *fileSpans) Unread(n int) { f.at -= n }

func (f *fileSpans) Next() ([]byte, error) {
	if f.at == len(f.data) {
		return nil, io.EOF
	}
	n := min(f.step, len(f.data)-f.at)
	f.at += n
	return f.data[f.at-n : f.at], nil
}

func (f *fileSpans) NextFile() (edge.FileSpan, bool) {
	n := min(f.step, f.n-f.at)
	if n <= 0 {
		return edge.FileSpan{}, false
	}
	f.asked++
	f.at += n
	return edge.FileSpan{FD: int(f.file.Fd()), Offset: f.from + int64(f.at-n), Length: n}, true
}

// tempFile returns a file with content.
func tempFile(t testing.TB, content []byte) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err == nil {
		_, err = f.Write(content)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := unix.Preadv2(int(f.Fd()), [][]byte{make([]byte, 1)}, 0, unix.RWF_NOWAIT); err == unix.EOPNOTSUPP {
		t.Skip("the file system of temporary files, tmpfs perhaps, cannot say what is in memory: TMPDIR names another")
	}
	return f
}

func random(n int) []byte {
	b, rng := make([]byte, n), rand.New(rand.NewPCG(uint64(n), 7))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// TestSendfile answers from memory that is poisoned wherever the file has to be
// used, and from files that end early or are not there.
func TestSendfile(t *testing.T) {
	data := random(5<<20 + 321)
	wrong := bytes.Repeat([]byte{0xdb}, len(data))
	file := tempFile(t, append(random(5000), data...))
	short := tempFile(t, data[:2<<20+77])
	for _, tt := range []struct {
		name  string
		body  *fileSpans
		tls   bool
		files int // ranges that are asked for
	}{
		{"all from the file", &fileSpans{data: wrong, file: file, from: 5000, n: len(data), step: 1 << 20}, false, 6},
		{"a part from the file", &fileSpans{data: append(wrong[:3<<20:3<<20], data[3<<20:]...), file: file, from: 5000, n: 3 << 20, step: 1 << 20}, false, 3},
		{"a file that ends early", &fileSpans{data: data, file: short, n: len(data), step: 1 << 20}, false, 6},
		{"over TLS", &fileSpans{data: data, file: file, n: len(data), step: 1 << 20}, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &fake{serve: func(x *edge.Exchange) {
				tt.body.at = 0
				respondWith(x, 200, int64(len(data)), tt.body)
			}, done: make(chan struct{}, 2)}
			_, addr := run(t, h, tt.tls)
			client := newClient(t, tt.tls)
			for range 2 { // the connection is good for another request
				tt.body.asked = 0
				resp, err := client.Get(schemeOf(tt.tls) + addr + "/")
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%d of %d bytes, %v, equal %v", len(got), len(data), err, bytes.Equal(got, data))
				}
				<-h.done
				if tt.files == 0 && tt.body.asked > 0 || tt.body.asked < tt.files {
					t.Errorf("asked for %d ranges, want %d", tt.body.asked, tt.files)
				}
			}
			for _, f := range h.deliveries() {
				if f.d.Body != int64(len(data)) || f.d.Header == 0 || f.d.FirstByte == 0 || f.d.Aborted {
					t.Errorf("delivery %+v", f.d)
				}
			}
		})
	}
}

func schemeOf(overTLS bool) string {
	if overTLS {
		return "https://"
	}
	return "http://"
}

func newClient(t *testing.T, overTLS bool) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	if overTLS {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpnHTTP1}}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestSmallBodiesAreCopied: below the break-even nobody asks for files.
func TestSmallBodiesAreCopied(t *testing.T) {
	data := random(sendfileFrom - 1)
	body := &fileSpans{data: data, file: tempFile(t, data), n: len(data), step: 1 << 20}
	_, addr := run(t, &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, int64(len(data)), body) }}, false)
	c := dial(t, addr)
	if _, got := get(t, c, bufio.NewReader(c), "/"); got != string(data) || body.asked > 0 {
		t.Errorf("%d bytes, %d ranges asked for", len(got), body.asked)
	}
}

// diskBody is the body of an object on a disk, taken from its file.
type diskBody struct {
	fileSpans
	entry *disk.Entry
	tier  *disk.Tier
	held  disk.FileRange
}

func (b *diskBody) NextFile() (edge.FileSpan, bool) {
	b.held.Release()
	p, ok := b.tier.Locate(b.entry, b.at/object.BlockSize)
	if !ok {
		return edge.FileSpan{}, false
	}
	if b.held, ok = p.Acquire(); !ok {
		return edge.FileSpan{}, false
	}
	skip := b.at % object.BlockSize
	b.at += b.held.Len() - skip
	b.asked++
	return edge.FileSpan{FD: b.held.FD(), Offset: b.held.Offset() + int64(skip), Length: b.held.Len() - skip}, true
}

// TestStalledReaderOfEvictedExtent lets a client stall in the middle of a block
// that is being sent from its file, evicts the extent and writes others until the
// disk has gone round, and compares what the client then reads.
func TestStalledReaderOfEvictedExtent(t *testing.T) {
	d, err := disk.Open(disk.Options{Path: t.TempDir(), Size: 64 << 20, ExtentSize: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	const key, size = object.Key("k"), object.StripeSize // more than the kernel takes for a socket
	offer(t, d, key, 1, size)
	settle(t, d)
	var data []byte
	for i := range object.Blocks(size) {
		data = append(data, cachetest.Block(key, 1, size, i)...)
	}
	e, ok := d.Lookup(key)
	if !ok {
		t.Fatal("not stored")
	}
	body := &diskBody{entry: e, tier: d}
	body.data, body.step = data, object.BlockSize
	h := &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, size, body) }, done: make(chan struct{}, 1)}
	_, addr := run(t, h, false)
	c := dialNarrow(t, addr)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReaderSize(c, 16)
	if _, err := br.Peek(1); err != nil { // the response has begun
		t.Fatal(err)
	}
	for i := range 70 {
		offer(t, d, object.Key(fmt.Sprint("other", i)), uint64(i+2), object.BlockSize)
		if i%20 == 19 {
			settle(t, d)
		}
	}
	settle(t, d)
	if _, ok := d.Lookup(key); ok {
		t.Fatal("the extent was not evicted")
	}
	select {
	case <-h.done:
		t.Fatal("the kernel took the whole response: nothing was stalled")
	default:
	}
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v: not the original ones", len(got), err)
	}
	<-h.done
	body.held.Release()
	if body.asked == 0 || body.asked == object.Blocks(size) {
		t.Errorf("%d ranges were sent from the file: want some before the eviction, and none after", body.asked)
	}
	if s := d.Stats().Space; s.Evictions == 0 || s.Used > s.Size {
		t.Errorf("space: %+v", s)
	}
}

// offer puts an object of one stripe on the queue of a disk.
func offer(t *testing.T, d *disk.Tier, key object.Key, version uint64, size int64) {
	t.Helper()
	var bodies cachetest.Bodies
	if !d.Put(key, cachetest.Meta(key, version, size), 0, bodies.Stripe(key, version, size, 0, 0)) {
		t.Fatalf("Put(%s) was refused", key)
	}
}

// settle waits until everything offered is written.
func settle(t *testing.T, d *disk.Tier) {
	t.Helper()
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// dialNarrow connects with a small window, so that the server's send buffer fills.
func dialNarrow(t *testing.T, addr string) net.Conn {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, rc syscall.RawConn) error {
		return rc.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
		})
	}}
	c, err := dialer.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestSendfileAllocatesNothing counts on a body of four ranges.
func TestSendfileAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const size = 4 << 20
	body := &fileSpans{data: make([]byte, size), file: tempFile(t, make([]byte, size)), n: size, step: 1 << 20}
	fd := int(body.file.Fd())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	peer := dial(t, ln.Addr().String())
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, peer)
	}()
	defer func() {
		c.Close()
		<-read
	}()
	var w rawWriter
	w.init(c, new(atomic.Int64))
	w.file.sending = new(atomic.Int32)
	head := []byte("HTTP/1.1 200 OK\r\n\r\n")
	if n := testing.AllocsPerRun(50, func() {
		if n, err := w.sendFile(head, edge.FileSpan{FD: fd, Length: 1 << 20}); err != nil || n != int64(len(head))+1<<20 {
			t.Fatalf("sendFile: %d, %v", n, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
