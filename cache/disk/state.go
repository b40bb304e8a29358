package disk

import (
	"fmt"
	"path/filepath"
	"time"
)

// lifeState is what a disk remembers of its own life across restarts.
type lifeState struct {
	uuid     UUID
	saved    int64         // Unix nanoseconds
	left     int64         // bytes of the write budget
	scrubbed int64         // end of the last full round of the scrubber, Unix nanoseconds; 0: none yet
	cursor   uint32        // extent that the scrubber is at
	backoff  time.Duration // of the breaker, whole seconds
	health   Health
}

const stateName = "state"

func (s *lifeState) encode() []byte {
	b := newHead(magicState)
	copy(b[8:24], s.uuid[:])
	le.PutUint64(b[24:], uint64(s.saved))
	le.PutUint64(b[32:], uint64(s.left))
	le.PutUint64(b[40:], uint64(s.scrubbed))
	le.PutUint32(b[48:], s.cursor)
	le.PutUint16(b[52:], uint16(s.backoff/time.Second))
	b[54] = byte(s.health)
	return sealHead(b)
}

func parseState(b []byte) (lifeState, error) {
	if !goodHead(b, magicState) || b[54] > byte(Offline) {
		return lifeState{}, fmt.Errorf("%w: state", ErrCorrupt)
	}
	s := lifeState{
		saved: int64(le.Uint64(b[24:])), left: int64(le.Uint64(b[32:])), scrubbed: int64(le.Uint64(b[40:])),
		cursor: le.Uint32(b[48:]), backoff: time.Duration(le.Uint16(b[52:])) * time.Second, health: Health(b[54]),
	}
	copy(s.uuid[:], b[8:24])
	return s, nil
}

// saveState writes down what the disk has to remember. A disk that cannot is sick
// anyway, and the next start finds out.
func (t *Tier) saveState() error {
	s := lifeState{
		uuid: t.super.uuid, saved: time.Now().UnixNano(), left: t.wear.remaining(),
		scrubbed: t.scrubber.finished.Load(), cursor: t.scrubber.cursor.Load(),
	}
	s.health, s.backoff = t.breaker.memory()
	f, err := replaceFile(t.fs, t.dir, stateName, s.encode())
	if err != nil {
		return fmt.Errorf("disk: state: %w", err)
	}
	return f.Close()
}

// loadState brings back what the disk remembers, if anything.
func (r *recovery) loadState() error {
	b, err := readFile(r.t.fs, filepath.Join(r.t.dir, stateName))
	if err != nil {
		return nil // a disk without a memory starts with a full budget
	}
	s, err := parseState(b)
	if err != nil || s.uuid != r.t.super.uuid {
		r.report.Lost++
		r.t.log.Warn("disk: unusable state", "error", err)
		return nil
	}
	r.t.wear.restore(s.left, time.Unix(0, s.saved))
	r.t.scrubber.finished.Store(s.scrubbed)
	r.t.scrubber.cursor.Store(s.cursor)
	r.t.breaker.remember(s.health, s.backoff)
	return nil
}
