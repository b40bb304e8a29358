package disk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// keeper is the goroutine that does what is due from time to time: it syncs the
// active extent, saves the index, and probes a sick disk.
type keeper struct {
	t        *Tier
	every    time.Duration // between syncs
	snapshot time.Duration // between snapshots, at most
	stop     chan struct{}

	savedTime time.Time // of the last snapshot or attempt; the goroutine's own
	stateTime time.Time // of the last note of the state or attempt; the goroutine's own
	writing   int64     // writer.began at the last look; the goroutine's own
	looks     int       // at which it was the same; the goroutine's own

	mu       sync.Mutex // held while a snapshot is written
	sequence uint64     // of the last snapshot; guarded by mu
	saved    position   // up to which it goes; guarded by mu
	sealed   int64      // writer.sealed at that time; guarded by mu
}

const (
	// snapshotExtents is after how many sealed extents a snapshot is due: more
	// would make recovery longer, fewer would write the index too often.
	snapshotExtents = 64
	// writeHang is how long one operation of the writer may take before the disk
	// counts as hung.
	writeHang = 30 * time.Second
	probeName = "probe"
	// stateInterval is how often the state of a disk is noted at least.
	stateInterval = 5 * time.Minute
)

// step is how often the keeper looks at what is due.
func (k *keeper) step() time.Duration { return min(k.every, time.Second) }

func (k *keeper) run() {
	tick := time.NewTicker(k.step())
	defer tick.Stop()
	synced := time.Now()
	k.savedTime, k.stateTime = synced, synced
	for {
		select {
		case <-k.stop:
			return
		case now := <-tick.C:
			if now.Sub(synced) >= k.every {
				synced = now
				_ = k.syncActive() // the breaker knows
			}
			k.watch()
			k.t.wear.remaining() // time alone may have changed what is admitted
			k.stateDue(now)
			k.heal(now)
			k.snapshotDue(now)
		}
	}
}

// syncActive makes the records written so far durable.
func (k *keeper) syncActive() error {
	x := k.t.writer.dirty.Swap(nil)
	if x == nil || !x.retain() {
		return nil
	}
	defer x.release()
	f, err := x.open()
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		k.t.breaker.trip(ReadOnly, err)
	}
	return err
}

// watch takes a disk offline whose writer hangs. It counts the looks at which the
// writer was busy with the same operation instead of comparing times: a machine that
// stood still for a minute, or whose clock was set, says nothing about its disks, and
// going offline drops all that waits to be written.
func (k *keeper) watch() {
	began := k.t.writer.began.Load()
	if began == 0 || began != k.writing {
		k.writing, k.looks = began, 0
		return
	}
	if k.looks++; time.Duration(k.looks)*k.step() >= writeHang {
		k.t.breaker.trip(Offline, fmt.Errorf("%w: write", ErrTimeout))
	}
}

// heal probes a sick disk when that is due.
func (k *keeper) heal(now time.Time) {
	if !k.t.breaker.due(now) {
		return
	}
	found, err := k.probe()
	k.t.breaker.probed(found, err)
	if found == Healthy {
		k.t.queue.wake() // the writer has removals to write
	}
}

// probe tells what works on the disk by writing, syncing and reading a page.
func (k *keeper) probe() (Health, error) {
	super, err := readFile(k.t.fs, filepath.Join(k.t.dir, superName))
	if err != nil || !bytes.Equal(super, k.t.super.encode()) {
		return Offline, errors.Join(err, ErrCorrupt)
	}
	name := filepath.Join(k.t.dir, probeName)
	f, err := k.t.fs.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return ReadOnly, err
	}
	_, err = f.WriteVec([][]byte{super}, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close(), k.t.fs.Remove(name)); err != nil {
		return ReadOnly, err
	}
	return Healthy, nil
}

// stateDue notes the state of the disk when it changed, and often enough that the
// write budget of a process that is killed is not far off.
func (k *keeper) stateDue(now time.Time) {
	if k.t.breaker.forgotten() || now.Sub(k.stateTime) >= stateInterval {
		k.stateTime = now
		_ = k.t.saveState() // what it cannot note is worth no trouble of its own
	}
}

// snapshotDue saves the index when enough has changed.
func (k *keeper) snapshotDue(now time.Time) {
	if !k.due(now) || !k.t.breaker.writable() {
		return
	}
	k.savedTime = now
	if err := k.save(false); err != nil {
		k.t.breaker.trip(ReadOnly, err)
	}
}

// due reports whether enough has changed for a snapshot.
func (k *keeper) due(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := &k.t.writer
	enough := w.sealed.Load()-k.sealed >= snapshotExtents || now.Sub(k.savedTime) >= k.snapshot
	return enough && position(w.position.Load()) != k.saved
}

// save writes a snapshot. The position is read first: what comes behind it may or
// may not be in the snapshot, and is replayed.
func (k *keeper) save(clean bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := &k.t.writer
	h := snapshotHeader{uuid: k.t.super.uuid, sequence: k.sequence + 1, clean: clean}
	h.asOf, h.lastSeq = position(w.position.Load()), k.t.lastSeq.Load()
	sealed := w.sealed.Load()
	if err := saveSnapshot(k.t.fs, k.t.dir, &h, k.t.extents.refs(), k.t.index, k.syncActive); err != nil {
		return fmt.Errorf("disk: snapshot: %w", err)
	}
	k.t.wear.charge(k.t.index.entries.Load() * slotSize)
	k.sequence, k.saved, k.sealed = h.sequence, h.asOf, sealed
	k.t.counters.snapshots.Add(1)
	return nil
}
