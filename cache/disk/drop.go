package disk

import "edged/cache/object"

// Oldest returns the lowest store number of an object that the disk has. It looks
// at the whole index, a shard at a time.
func (t *Tier) Oldest() (seq uint64, any bool) { return t.index.oldest() }

// Drop forgets what is stored of a version, if it is what is stored under key. It
// costs no write, so a crash may bring it back: it is for what the caller will know
// again to be of no use.
func (t *Tier) Drop(key object.Key, version uint64) {
	t.index.removeVersion(object.HashString(t.super.seed, string(key)).Hi, version)
}

// Drop is Tier.Drop on every disk.
func (s *Set) Drop(key object.Key, version uint64) {
	for _, m := range s.disks() {
		m.Drop(key, version)
	}
}

// JudgeKept has dead asked before a record is written again: one that it tells to be
// purged is left to go with its extent. It is asked by the goroutine that writes, and
// owns nothing of what it gets. What is purged a moment later is written for nothing,
// and harmless: whoever finds it judges it, too.
func (t *Tier) JudgeKept(dead func(*object.Meta) bool) { t.dead.Store(&dead) }

// JudgeKept is Tier.JudgeKept on every disk, also on those that join later.
func (s *Set) JudgeKept(dead func(*object.Meta) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = dead
	for _, m := range s.disks() {
		m.JudgeKept(dead)
	}
}

// Oldest is the lowest Tier.Oldest; any is false when no disk has anything.
func (s *Set) Oldest() (seq uint64, any bool) {
	for _, m := range s.disks() {
		if n, ok := m.Oldest(); ok && (!any || n < seq) {
			seq, any = n, true
		}
	}
	return seq, any
}

// Journals returns the journals of the disks that are open. Those of disks that come
// later are handed to join, before anything else of the disk is used.
func (s *Set) Journals(join func(*Journal)) []*Journal {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onJoin = join
	var list []*Journal
	for _, m := range s.disks() {
		list = append(list, m.Journal())
	}
	return list
}

// announce hands the journal of a disk that is about to join to who asked for it,
// once.
func (s *Set) announce(a *absent, t *Tier) {
	s.mu.Lock()
	tell := s.onJoin
	if tell == nil || a.told == t {
		s.mu.Unlock()
		return
	}
	a.told = t
	s.mu.Unlock()
	tell(t.Journal())
}
