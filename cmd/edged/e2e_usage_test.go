package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"edged/internal/config"
	"edged/internal/edgetest"
	"edged/logfmt"
	"edged/logfmt/usage"
)

// usageRequests is how many requests the test of the books sends: make books sends two
// million.
var usageRequests = flag.Int64("usage-requests", 15_000, "requests of TestE2EBooksAgree")

// bodySize is the size of every response of that test, so that a lost record is worth a
// known number of bytes.
const bodySize = 2048

// sums are requests and bytes, however they were counted.
type sums struct{ requests, body, wire int64 }

func (s *sums) add(o sums) {
	s.requests += o.requests
	s.body += o.body
	s.wire += o.wire
}

// load sends requests over connections of its own, as fast as they are answered.
type load struct {
	t        *testing.T
	address  string
	left     atomic.Int64 // requests still to send
	requests atomic.Int64 // answered in full
	wire     atomic.Int64 // bytes of the answers

	mu     sync.Mutex
	points []point // since when how many were answered
}

type point struct {
	at       time.Time
	requests int64
}

// run sends n requests over some connections. It ends early when the node is gone.
func (l *load) run(n int64) {
	l.left.Store(n)
	stop, noted := make(chan struct{}), make(chan struct{})
	go func() { defer close(noted); l.note(stop) }()
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(l.client)
	}
	clients.Wait()
	close(stop)
	<-noted
}

// note keeps how many requests had been answered when.
func (l *load) note(stop chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		p := point{time.Now(), l.requests.Load()}
		l.mu.Lock()
		l.points = append(l.points, p)
		l.mu.Unlock()
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

// answeredBy returns how many requests had been answered at a time, at least.
func (l *load) answeredBy(at time.Time) (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.points {
		if p.at.Before(at) {
			n = p.requests
		}
	}
	return n
}

func (l *load) client() {
	c, err := net.Dial("tcp", l.address)
	if err != nil {
		return // the node is gone
	}
	defer c.Close()
	in := bufio.NewReaderSize(c, 16<<10)
	request := []byte("GET /books.m4s HTTP/1.1\r\nHost: " + openHost + "\r\n\r\n")
	for l.left.Add(-1) >= 0 {
		if _, err := c.Write(request); err != nil {
			return
		}
		n, err := answer(in)
		if err != nil {
			return
		}
		l.requests.Add(1)
		l.wire.Add(n)
	}
}

var errStatus = errors.New("not 200")

// answer reads one response and returns its length.
func answer(in *bufio.Reader) (size int64, err error) {
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if first && !bytes.Contains(line, []byte(" 200 ")) {
			return 0, errStatus
		}
		size += int64(len(line))
		if len(line) == 2 {
			break
		}
	}
	n, err := in.Discard(bodySize)
	return size + int64(n), err
}

// Log, ledger, counters and clients agree to the byte, with files that are rotated and a
// log disk that is full for a while; and but for the last moments when the process is
// killed.
func TestE2EBooksAgree(t *testing.T) {
	v := edgetest.NewVolume(t, fmt.Sprint(256<<20+*usageRequests*700))
	state := edgetest.NewVolume(t, "64m").Dir // a disk that others write to makes a flush wait
	r := newRig(t, func(c *edgetest.Config) {
		c.LogDir, c.StateDir, c.LogExtra = filepath.Join(v.Dir, "log"), state, "max_size = \"1MiB\""
	})
	r.video("/books.m4s", bodySize)
	l := &load{t: t, address: r.node.HTTPAddress()}
	n := *usageRequests / 3
	l.run(n)
	v.Fill()
	l.run(n) // nothing of it reaches the disk; some may be lost
	v.Free()
	l.run(n)
	got := sums{l.requests.Load(), l.requests.Load() * bodySize, l.wire.Load()}
	if got.requests != 3*n {
		t.Fatalf("%d of %d requests were answered", got.requests, 3*n)
	}
	var counters sums // the last answers were read before they were counted
	edgetest.Eventually(t, "the last answer is counted", func() bool {
		counters = r.counters(t)
		return counters.requests >= got.requests && counters.wire >= got.wire
	})
	if counters != got {
		t.Errorf("counters say %+v, clients got %+v", counters, got)
	}
	r.node.Stop()
	if ledger := ledgerSums(t, state); ledger != got {
		t.Errorf("the ledger says %+v, clients got %+v", ledger, got)
	}
	log, lost, files := r.logSums(t)
	t.Logf("%d requests, %d log files, %d records lost and counted", got.requests, files, lost)
	if lost > 0 {
		log.wire = got.wire // headers differ by some bytes: nobody knows what the lost ones had
	}
	if log != got {
		t.Errorf("the log says %+v, clients got %+v", log, got)
	}
	if files < 3 {
		t.Errorf("only %d log files: nothing was rotated", files)
	}
	r.killed(t, l, got, state)
}

// lostAtMost is how much of the past may be lost when a process is killed. It writes
// twice a second; the rest is for a machine that has more to do.
const lostAtMost = 3 * time.Second

// killed goes on with a process that is killed under load.
func (r *rig) killed(t *testing.T, l *load, before sums, state string) {
	r.node.Launch()
	l.address = r.node.HTTPAddress()
	ended := make(chan struct{})
	go func() { defer close(ended); l.run(1 << 40) }()
	start := l.requests.Load()
	edgetest.Eventually(t, "some seconds of load", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		last := l.points[len(l.points)-1]
		return last.requests > start+1000 && last.at.Sub(l.points[0].at) > 0 && l.since(start) > lostAtMost+2*time.Second
	})
	kill := time.Now()
	r.node.Kill9()
	<-ended
	sure, all := l.answeredBy(kill.Add(-lostAtMost)), l.requests.Load()+8 // what was under way may count
	ledger := ledgerSums(t, state)
	log, _, _ := r.logSums(t)
	for name, n := range map[string]int64{"ledger": ledger.requests, "log": log.requests} {
		if n < sure || n > all {
			t.Errorf("the %s has %d requests; %d were answered %v before the kill, %d at the end", name, n, sure, lostAtMost, all)
		}
	}
	t.Logf("killed after %d requests, %v before %d: ledger has %d, log %d", l.requests.Load()-before.requests, lostAtMost, sure-before.requests,
		ledger.requests-before.requests, log.requests-before.requests)
	r.node.Launch() // closes what was left open
	if again := ledgerOf(t, r); again != ledger {
		t.Errorf("the next process has %+v in its ledger, the files %+v", again, ledger)
	}
	r.node.Stop()
	if again := ledgerSums(t, state); again != ledger {
		t.Errorf("after the next process the ledger has %+v, before %+v", again, ledger)
	}
}

// since returns how long ago the count of answers was n. mu must be held.
func (l *load) since(n int64) time.Duration {
	for i := len(l.points) - 1; i >= 0; i-- {
		if l.points[i].requests <= n {
			return time.Since(l.points[i].at)
		}
	}
	return 0
}

// counters asks the running node what it counted.
func (r *rig) counters(t *testing.T) sums {
	t.Helper()
	resp, err := r.node.Admin().Get("http://localhost/status.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var s struct {
		Totals struct {
			Requests int64 `json:"requests"`
			Body     int64 `json:"body_bytes"`
			Header   int64 `json:"header_bytes"`
		} `json:"totals"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return sums{s.Totals.Requests, s.Totals.Body, s.Totals.Body + s.Totals.Header}
}

// ledgerOf asks the real edgectl for the ledger of the running node.
func ledgerOf(t *testing.T, r *rig) sums {
	t.Helper()
	text := edgetest.Edgectl(t, "usage", "-admin", r.node.AdminSocket(), "-from", "2000-01", "-by", "day", "-format", "json")
	var report usage.Report
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	var s sums
	for _, line := range report.Lines {
		s.add(sums{int64(line.Requests), int64(line.Body), int64(line.Wire)})
	}
	return s
}

func ledgerSums(t *testing.T, state string) (s sums) {
	t.Helper()
	rows, damaged, err := usage.ReadTable(filepath.Join(state, config.LedgerName), &usage.Query{})
	if err != nil || damaged > 0 {
		t.Fatalf("ledger: %v, %d bytes damaged", err, damaged)
	}
	for _, c := range rows {
		s.add(sums{int64(c.Requests), int64(c.Body), int64(c.Wire)})
	}
	return s
}

// logSums adds up what is in the log files, lost records as far as they are counted
// included: all responses have the same size.
func (r *rig) logSums(t *testing.T) (s sums, lost int64, files int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(r.node.LogDir(), "*.log*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		files++
		for rec, err := range logfmt.Records(name) {
			if err != nil {
				t.Fatal(err)
			}
			lost += rec.Sequence.Dropped
			s.add(sums{1, rec.BytesSent, rec.WireBytes})
		}
	}
	s.add(sums{lost, lost * bodySize, 0})
	return s, lost, files
}

// An account that is erased is gone from cache, ledger and log files; others stay.
func TestE2EErase(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	r := newRig(t, func(c *edgetest.Config) {
		c.StateDir = state
		c.Sites = append(c.Sites, edgetest.Site{Account: "leaving", Host: "leaving.test", Origins: c.Sites[0].Origins})
	})
	body := r.video("/erase.m4s", 3000)
	for range 5 {
		want(t, r.get(t, "/erase.m4s"), 200, body)
		want(t, edgetest.Get(t, r.plain(), "http://leaving.test/erase.m4s"), 200, body)
	}
	conf := r.node.ConfigFile()
	edgetest.Edgectl(t, "revoke", "-config", conf, "-account", "leaving", "-session", "4711")
	out := edgetest.Edgectl(t, "erase", "-config", conf, "-account", "leaving", "-yes")
	if !strings.Contains(out, "revocations: kept, the account has sites") {
		t.Errorf("erase of an account that has sites says:\n%s", out)
	}
	if !strings.Contains(out, "content: purged") || !strings.Contains(out, "usage ledger: ") || !strings.Contains(out, "access log: 5 records removed from 1 files") {
		t.Errorf("erase says:\n%s", out)
	}
	if text := edgetest.Edgectl(t, "log", "verify", r.node.LogDir()); !strings.Contains(text, "5 records, 0 lost and counted, 5 erased") {
		t.Errorf("verify says:\n%s", text)
	}
	if s := ledgerOf(t, r); s.requests != 5 {
		t.Errorf("the ledger has %+v", s)
	}
	want(t, edgetest.Get(t, r.plain(), "http://leaving.test/erase.m4s"), 200, body, "fwd=uri-miss")
	want(t, r.get(t, "/erase.m4s"), 200, body, "hit")

	r.config.Sites = r.config.Sites[:len(r.config.Sites)-1]
	r.node.WriteConfig(r.config)
	r.node.Reload()
	out = edgetest.Edgectl(t, "erase", "-config", conf, "-account", "leaving", "-yes")
	if !strings.Contains(out, "revocations: 1 removed") || !strings.Contains(out, "stays: in the log of purges a digest") {
		t.Errorf("erase of an account without sites says:\n%s", out)
	}
	r.node.Stop()
	for name, text := range edgetest.Files(t, r.node.StateDir()) {
		if !strings.HasSuffix(name, "audit.log") && bytes.Contains(text, []byte("leaving")) {
			t.Errorf("%s still names the account", name)
		}
	}
	for name, text := range edgetest.Files(t, r.node.LogDir()) {
		if bytes.Contains(text, []byte("leaving")) {
			t.Errorf("%s still names the account", name)
		}
	}
}

// Closed log files reach the target whole, each before its manifest, and go from here
// when they shall.
func TestE2EShipping(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string][]byte{}
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if err != nil || r.Method != http.MethodPut {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got[filepath.Base(r.URL.Path)] = body
		w.WriteHeader(http.StatusCreated)
	}))
	defer target.Close()
	r := newRig(t, func(c *edgetest.Config) {
		c.LogExtra = "compress = \"zstd\"\n[log.ship]\nurl = \"" + target.URL + "/edge\"\ndelete = true"
	})
	body := r.video("/ship.m4s", 3000)
	for range 5 {
		want(t, r.get(t, "/ship.m4s"), 200, body)
	}
	edgetest.Eventually(t, "the records of all requests", func() bool {
		resp, err := r.node.Admin().Get("http://localhost/status.json")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var s struct {
			Log struct{ Written int } `json:"access_log"`
		}
		return json.NewDecoder(resp.Body).Decode(&s) == nil && s.Log.Written == 5
	})
	r.node.Signal(syscall.SIGUSR1)
	edgetest.Eventually(t, "the file to be shipped and deleted", func() bool {
		mu.Lock()
		defer mu.Unlock()
		left, err := filepath.Glob(filepath.Join(r.node.LogDir(), "*.zst"))
		return err == nil && len(left) == 0 && len(got) == 2
	})
	dir := t.TempDir()
	for name, text := range got {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if text := edgetest.Edgectl(t, "log", "verify", dir); !strings.Contains(text, "1 files, 5 records") || !strings.Contains(text, "complete") {
		t.Errorf("what arrived: %s", text)
	}
}
