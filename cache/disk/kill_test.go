package disk_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	gosync "sync"
	"sync/atomic"
	"testing"
	"time"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
)

var killCycles = flag.Int("kill.cycles", 5, "cycles of the kill -9 test")

// The environment that makes a process of this test binary the child that is
// killed: its directory, and the number of its cycle.
const (
	childDir   = "EDGED_DISK_CHILD_DIR"
	childCycle = "EDGED_DISK_CHILD_CYCLE"
	childKey   = "EDGED_DISK_CHILD_KEY" // set: the disk is encrypted
)

// killOptions returns the options of the disk that the child works on: small, so
// that it seals, evicts and saves its index all the time.
func killOptions(dir string, keyed bool) disk.Options {
	o := disk.Options{
		Path: dir, Size: 48 << 20, ExtentSize: 4 << 20, SyncInterval: 20 * time.Millisecond,
		SnapshotInterval: 30 * time.Millisecond,
	}
	if keyed {
		o = encrypted(o, 1)
	}
	return o
}

// A version tells cycle and order of its put, and its size.
func killVersion(cycle, n uint64) uint64 { return cycle<<32 | n }

func killSize(version uint64) int64 {
	return []int64{100, 5000, 70 << 10, 400 << 10, object.BlockSize + 99}[version*2654435761>>8%5]
}

func killKey(i int) object.Key { return object.Key(fmt.Sprint("acme\x00s\x00/", i)) }

const killKeys = 60

// runChild runs this process as the child of a kill test, if it is one.
func runChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	cycle, _ := strconv.ParseUint(os.Getenv(childCycle), 10, 32)
	d, err := disk.Open(killOptions(dir, os.Getenv(childKey) != ""))
	if err != nil {
		fmt.Println("error", err)
		return true
	}
	fmt.Println("open")
	(&child{tier: d, cycle: cycle}).run()
	return true
}

// child writes and removes until it is killed, and says on its standard output
// what it may rely on from then on.
type child struct {
	tier  *disk.Tier
	cycle uint64
	last  atomic.Uint64
	keys  [killKeys]gosync.Mutex // keeps puts and removals of a key apart
	out   gosync.Mutex
}

func (c *child) run() {
	var wg gosync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for rng := rand.New(rand.NewPCG(c.cycle, uint64(g))); ; {
				c.step(rng.IntN(killKeys), rng.IntN(10))
			}
		})
	}
	wg.Wait()
}

func (c *child) step(i, op int) {
	c.keys[i].Lock()
	defer c.keys[i].Unlock()
	key := killKey(i)
	if op == 0 {
		floor := killVersion(c.cycle, c.last.Load())
		c.tier.Remove(key)
		c.say("removed %d %d\n", i, floor)
		return
	}
	v := killVersion(c.cycle, c.last.Add(1))
	var bodies cachetest.Bodies
	c.tier.Put(key, cachetest.Meta(key, v, killSize(v)), 0, bodies.Stripe(key, v, killSize(v), 0, 0))
}

func (c *child) say(format string, args ...any) {
	c.out.Lock()
	defer c.out.Unlock()
	fmt.Printf(format, args...)
}

// TestKill9 kills a process that writes, removes, evicts and saves its index, at
// random moments, and checks what its successors find.
func TestKill9(t *testing.T) {
	for _, keyed := range []bool{false, true} {
		t.Run(fmt.Sprint("encrypted ", keyed), func(t *testing.T) { killCyclesOf(t, keyed) })
	}
}

func killCyclesOf(t *testing.T, keyed bool) {
	dir := t.TempDir()
	floor := map[int]uint64{}
	found := 0
	for cycle := range *killCycles {
		runAndKill(t, killOptions(dir, keyed), cycle+1, floor)
		if cycle%2 == 1 {
			continue // the next child recovers from a kill, and is killed itself
		}
		d, err := disk.Open(killOptions(dir, keyed))
		if err != nil {
			t.Fatalf("cycle %d: %v", cycle, err)
		}
		found += checkKilled(t, d, floor)
		r := d.Stats()
		t.Logf("cycle %d: %d objects in %d extents, recovery %+v", cycle, r.Space.Objects, r.Space.Extents, r.Recovery)
		if err := d.Close(); err != nil {
			t.Fatalf("cycle %d: %v", cycle, err)
		}
	}
	if found == 0 {
		t.Error("nothing was ever found: the test proves nothing")
	}
}

// runAndKill runs a child for a random while and notes what it removed.
func runAndKill(t *testing.T, o disk.Options, cycle int, floor map[int]uint64) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childDir+"="+o.Path, fmt.Sprint(childCycle, "=", cycle))
	if o.Encryption != disk.Plain {
		cmd.Env = append(cmd.Env, childKey+"=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	if line, err := in.ReadString('\n'); line != "open\n" {
		t.Fatalf("child said %q, %v", line, err)
	}
	time.AfterFunc(50*time.Millisecond+rand.N(400*time.Millisecond), func() { _ = cmd.Process.Kill() })
	for {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // a last line without its end was never said
		}
		var i int
		var version uint64
		if n, err := fmt.Sscanf(line, "removed %d %d\n", &i, &version); n != 2 {
			t.Fatalf("child said %q: %v", line, err)
		}
		floor[i] = max(floor[i], version)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
}

// checkKilled fails on a wrong byte and on a removed version.
func checkKilled(t *testing.T, d *disk.Tier, floor map[int]uint64) (found int) {
	t.Helper()
	for i := range killKeys {
		key := killKey(i)
		e, ok := d.Lookup(key)
		if !ok {
			continue
		}
		found++
		v := e.Meta.Version
		if v <= floor[i] {
			t.Fatalf("key %d: version %x came back, removed up to %x", i, v, floor[i])
		}
		if e.Meta.Size != killSize(v) {
			t.Fatalf("key %d: version %x has size %d, want %d", i, v, e.Meta.Size, killSize(v))
		}
		for b := range object.Blocks(e.Meta.Size) {
			got := make([]byte, object.BlockLen(e.Meta.Size, b))
			err := d.ReadBlock(e, b, got)
			if err != nil {
				t.Errorf("key %d block %d: %v", i, b, err)
			} else if !bytes.Equal(got, cachetest.Block(key, v, e.Meta.Size, b)) {
				t.Fatalf("WRONG BYTES: key %d version %x block %d", i, v, b)
			}
		}
	}
	return found
}
