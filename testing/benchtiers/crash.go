package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	crashCycles  = 200
	crashPaths   = 800
	crashFolders = 20
	crashClients = 4
	crashDisk    = 96 << 20 // extents of 16 MiB, so that they are evicted all the time
	crashRAM     = 64 << 20
	// crashSafe is what may be stored after an object before its extent is next to be
	// evicted, hot records that are appended again not counted.
	crashSafe = 32 << 20
	// crashGrace is how much of what was stored last may be lost.
	crashGrace = 5 * time.Second
)

// crashBench is a node that is killed again and again, and an origin whose objects
// have versions.
type crashBench struct {
	*bench
	node    *node
	origin  *http.Server
	client  *http.Client
	objects []crashObject
	fetched atomic.Int64 // bytes that the origin sent

	served, purges       atomic.Int64 // answers compared, purges acknowledged
	wrong, old, unsound  atomic.Int64 // answers with other bytes, of a purged version, of another status
	must, lost, damaging int          // objects that had to survive, that did not, damages done
	age                  time.Duration
}

// crashObject is what is known of a path.
type crashObject struct {
	version atomic.Int64 // what the origin has
	floor   atomic.Int64 // no older version may be served

	mu     sync.Mutex
	seen   int64     // version that a client got whole; guarded by mu
	stored time.Time // when, the first time; guarded by mu
	behind int64     // fetched at that time; guarded by mu
}

// runCrash kills a real process at random moments while it fills, evicts, purges and
// saves its index, sometimes damages its files, and compares every answer of its
// successors with the origin.
func runCrash(ctx context.Context, b *bench) (err error) {
	c := &crashBench{bench: b, objects: make([]crashObject, b.n(crashPaths, 160))}
	origin, err := c.serve()
	if err != nil {
		return err
	}
	defer c.origin.Close() //nolint:errcheck // loopback, at the end
	c.client = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: crashClients, DisableCompression: true}}
	c.node, err = startNode(ctx, b, fmt.Sprintf("[ram]\nsize = \"%d\"\n[log]\ndir = \"\"\nlevel = \"error\"\n"+
		"[[disk]]\npath = %q\nsize = \"%d\"\nwrites_per_day = \"off\"\n"+
		"[[site]]\naccount = \"bench\"\nhosts = [\"*\"]\norigins = [\"http://%s\"]\n",
		crashRAM, filepath.Join(b.dir, "disk"), crashDisk, origin))
	if err != nil {
		return err
	}
	defer func() { c.node.stop() }()
	cycles := b.n(crashCycles, 8)
	for i := range cycles {
		if err := c.cycle(ctx, i); err != nil {
			return fmt.Errorf("cycle %d: %w\n%s", i, err, c.node.output)
		}
	}
	c.say(cycles)
	if wrong, old := c.wrong.Load(), c.old.Load(); wrong+old > 0 {
		return fmt.Errorf("%d answers with other bytes, %d that had been purged\n%s", wrong, old, c.node.output)
	}
	return nil
}

func (c *crashBench) say(cycles int) {
	c.report("kills", "", float64(cycles), goal{})
	c.report("times that files were damaged after the kill", "", float64(c.damaging), goal{})
	c.report("answers compared with the origin", "", float64(c.served.Load()), goal{})
	c.report("answers with other bytes", "", float64(c.wrong.Load()), atMost(0))
	c.report("answers that had been purged", "", float64(c.old.Load()), atMost(0))
	c.report("answers with another status than 200", "", float64(c.unsound.Load()), atMost(0))
	c.report("purges acknowledged", "", float64(c.purges.Load()), goal{})
	c.report("objects looked for after a kill", "", float64(c.must), atLeast(1))
	c.report("of these lost", "", float64(c.lost), goal{})
	c.report("oldest of the lost, stored before the kill", "s", c.age.Seconds(), atMost(crashGrace.Seconds()))
}

// cycle uses the node, kills it, starts it again and looks at all it still has.
func (c *crashBench) cycle(ctx context.Context, i int) error {
	work, halt := context.WithCancel(ctx)
	var users sync.WaitGroup
	for range crashClients {
		users.Go(func() { c.use(work) })
	}
	users.Go(func() { c.purge(work) })
	pause(ctx, 100*time.Millisecond+rand.N(max(time.Second/2, time.Duration(c.scale*float64(2*time.Second)))))
	if i%4 == 3 { // in the middle of a proper end: its snapshot, its footer
		_ = c.node.cmd.Process.Signal(syscall.SIGTERM)
		pause(ctx, rand.N(60*time.Millisecond))
	}
	c.node.kill()
	killed := time.Now()
	halt()
	users.Wait()
	c.client.CloseIdleConnections()
	if i%4 == 2 {
		if err := c.damage(); err != nil {
			return err
		}
	}
	if err := c.node.run(ctx); err != nil {
		return err
	}
	c.judge(ctx, killed, i%4 != 2)
	return ctx.Err()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// use asks for objects, a few more often than others, and compares the answers.
func (c *crashBench) use(ctx context.Context) {
	for ctx.Err() == nil {
		i := rand.IntN(len(c.objects))
		if rand.IntN(2) == 0 {
			i = rand.IntN(len(c.objects) / 8)
		}
		c.get(ctx, i, false)
	}
}

// get asks for an object and reports whether it came, whole. Answers that break off
// are those of a process that was killed.
func (c *crashBench) get(ctx context.Context, i int, cached bool) bool {
	o := &c.objects[i]
	floor := o.floor.Load()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.node.address+crashPath(i), http.NoBody)
	if err != nil {
		return false
	}
	if cached {
		req.Header.Set("Cache-Control", "only-if-cached")
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close() //nolint:errcheck // was only read
	body, err := io.ReadAll(resp.Body)
	if err != nil || cached && resp.StatusCode == http.StatusGatewayTimeout {
		return false
	}
	c.served.Add(1)
	version, err := strconv.ParseInt(strings.Trim(resp.Header.Get("Etag"), `"`), 10, 64)
	switch {
	case resp.StatusCode != http.StatusOK:
		c.unsound.Add(1)
	case err != nil || version > o.version.Load() || !bytes.Equal(body, crashBody(i, version)):
		c.wrong.Add(1)
	case version < floor:
		c.old.Add(1)
	default:
		c.note(o, version)
		return true
	}
	return false
}

// note remembers when a version was first seen whole.
func (c *crashBench) note(o *crashObject, version int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if version > o.seen {
		o.seen, o.stored, o.behind = version, time.Now(), c.fetched.Load()
	}
}

// purge purges folders; from the acknowledgement on nothing older may be served.
func (c *crashBench) purge(ctx context.Context) {
	for ctx.Err() == nil {
		folder := rand.IntN(crashFolders)
		floors := make([]int64, len(c.objects))
		for i := folder; i < len(c.objects); i += crashFolders {
			floors[i] = c.objects[i].version.Add(1)
		}
		prefix := fmt.Sprintf(`{"prefixes":["http://%s/%d/"]}`, c.node.address, folder)
		if c.node.order("/api/v1/purge", prefix) == nil {
			c.purges.Add(1)
			for i := folder; i < len(c.objects); i += crashFolders {
				c.objects[i].floor.Store(floors[i])
			}
		}
		pause(ctx, rand.N(400*time.Millisecond))
	}
}

// judge asks the new process for everything that it has without the origin.
func (c *crashBench) judge(ctx context.Context, killed time.Time, whole bool) {
	fetched := c.fetched.Load()
	for i := range c.objects {
		o := &c.objects[i]
		must := whole && o.seen == o.version.Load() && fetched-o.behind < crashSafe
		if must {
			c.must++
		}
		if c.get(ctx, i, true) || ctx.Err() != nil {
			continue
		}
		if must {
			c.lost++
			c.age = max(c.age, killed.Sub(o.stored))
		}
		o.seen = 0 // it counts from its next fetch on
	}
}

// damage does to a file of the disk what bad hardware does: it ends early, a bit is
// another one, a range is zero. The two logs of what is gone are spared: their ends
// may be torn by a kill, and a whole entry that is missing there cannot be told from
// one that was never written.
func (c *crashBench) damage() error {
	files, err := filepath.Glob(filepath.Join(c.dir, "disk", "[eis]*"))
	if err != nil || len(files) == 0 {
		return err
	}
	f, err := os.OpenFile(files[rand.IntN(len(files))], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // the next start reads what there is
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	c.damaging++
	at := rand.Int64N(info.Size())
	switch rand.IntN(3) {
	case 0:
		return f.Truncate(at)
	case 1:
		_, err = f.WriteAt(make([]byte, 1+rand.IntN(64<<10)), at)
		return err
	}
	var b [1]byte
	for range 64 { // one alone mostly hits what nobody reads
		at = rand.Int64N(info.Size())
		if _, err = f.ReadAt(b[:], at); err != nil {
			return err
		}
		b[0] ^= 1 << rand.IntN(8)
		if _, err = f.WriteAt(b[:], at); err != nil {
			return err
		}
	}
	return nil
}

func crashPath(i int) string { return fmt.Sprintf("/%d/%d.m4s", i%crashFolders, i) }

// crashBody returns the bytes of a version of an object: some of a page, most of some
// pieces, a few of several blocks.
func crashBody(i int, version int64) []byte {
	size := []int{700, 30_000, 90_000, 70_001, 200_000, 64 << 10, 120_000, 2<<20 + 77}[i%8]
	if i%64 != 7 && size > 1<<20 {
		size = 300_000
	}
	b := make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(version), byte(version >> 8), byte(version >> 16)})
	_, _ = random.Read(b) // never fails
	return b
}

// serve starts the origin: the newest version of each object.
func (c *crashBench) serve() (address string, err error) {
	for i := range c.objects {
		c.objects[i].version.Store(1)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	c.origin = &http.Server{Handler: http.HandlerFunc(c.answer), ReadHeaderTimeout: patience}
	go c.origin.Serve(ln) //nolint:errcheck // ends with Close
	return ln.Addr().String(), nil
}

func (c *crashBench) answer(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(filepath.Base(r.URL.Path), ".m4s")
	i, err := strconv.Atoi(name)
	if err != nil || i < 0 || i >= len(c.objects) {
		http.NotFound(w, r)
		return
	}
	version := c.objects[i].version.Load()
	body := crashBody(i, version)
	c.fetched.Add(int64(len(body)))
	w.Header().Set("Cache-Control", "max-age=86400")
	w.Header().Set("Etag", strconv.Quote(strconv.FormatInt(version, 10)))
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
