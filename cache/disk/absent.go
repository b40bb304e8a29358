package disk

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"edged/cache/object"
)

// absent is a disk of a set that is not open yet.
type absent struct {
	options Options
	place   int                     // in the order of the set
	missed  map[object.Key]struct{} // removed meanwhile; guarded by Set.mu
	stale   bool                    // too many to note; guarded by Set.mu
	told    *Tier                   // whose journal was announced; guarded by Set.mu
}

// missedMax bounds the removals noted for a disk that is not open. Beyond it the
// disk starts over when it comes.
const missedMax = 1 << 16

// OpenSet opens disks, all at the same time, and waits at most so long for them. A
// disk that takes longer, or that cannot be opened, joins the set when it can: it is
// tried again with growing pauses. Until then its keys are stored on the others.
func OpenSet(list []Options, wait time.Duration) *Set {
	s := NewSet(nil)
	var first sync.WaitGroup
	for i := range list {
		a := &absent{options: list[i], place: i, missed: map[object.Key]struct{}{}}
		s.absent = append(s.absent, a)
	}
	for _, a := range slices.Clone(s.absent) { // which the first to join changes
		first.Add(1)
		s.opens.Go(func() { s.await(a, sync.OnceFunc(first.Done)) })
	}
	waitFor(&first, wait)
	return s
}

// Absent returns how many disks are not open yet.
func (s *Set) Absent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.absent)
}

// await tries to open a disk until it is open or the set is closed. It calls tried
// after the first time.
func (s *Set) await(a *absent, tried func()) {
	defer tried()
	for pause := firstBackoff; ; pause = min(2*pause, maxBackoff) {
		t, err := Open(a.options)
		if err == nil && s.join(a, t) {
			return
		}
		if log := a.options.Log; log != nil && err != nil {
			log.Error("disk: cannot be opened, is not used", "path", a.options.Path, "error", err, "retry_in", pause)
		}
		tried()
		timer := time.NewTimer(pause)
		select {
		case <-s.stop:
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// join makes a disk that was opened part of the set. What was removed while it was
// away is removed first. It reports false when the disk has to start over.
func (s *Set) join(a *absent, t *Tier) bool {
	for {
		s.announce(a, t)
		missed, stale := s.takeMissed(a, t)
		switch {
		case stale:
			s.startOver(a, t)
			return false
		case missed == nil:
			return true
		}
		for key := range missed {
			t.Remove(key)
		}
	}
}

// startOver makes the next try find an empty disk. Should it fail, the next try comes
// here again.
func (s *Set) startOver(a *absent, t *Tier) {
	if errors.Join(t.Close(), t.fs.Remove(filepath.Join(t.dir, superName))) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.stale = false
}

// takeMissed returns what is still to be removed from the disk; when that is
// nothing the disk is a member from now on.
func (s *Set) takeMissed(a *absent, t *Tier) (missed map[object.Key]struct{}, stale bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.stale {
		return nil, true
	}
	if len(a.missed) > 0 {
		missed, a.missed = a.missed, map[object.Key]struct{}{}
		return missed, false
	}
	if s.onJoin != nil && a.told != t {
		return map[object.Key]struct{}{}, false // somebody wants its journal first, since a moment ago
	}
	s.dropLocked(a)
	if s.dead != nil {
		t.JudgeKept(s.dead)
	}
	list := append(slices.Clone(s.disks()), newMember(t, a.place))
	slices.SortFunc(list, func(x, y member) int { return cmp.Compare(x.place, y.place) })
	s.members.Store(&list)
	return nil, false
}

func (s *Set) dropLocked(a *absent) {
	s.absent = slices.DeleteFunc(s.absent, func(b *absent) bool { return a == b })
}

// miss notes a removal for the disks that are not open.
func (s *Set) miss(key object.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.absent {
		if a.stale {
			continue
		}
		a.missed[key] = struct{}{}
		if len(a.missed) > missedMax {
			a.stale, a.missed = true, map[object.Key]struct{}{}
		}
	}
}

// giveUp stops trying to open disks. One whose opening hangs is left behind.
func (s *Set) giveUp() error {
	s.once.Do(func() { close(s.stop) })
	if !waitFor(&s.opens, closeWait) {
		return ErrTimeout
	}
	return nil
}
