package cache

import (
	"testing"

	"edged/cache/object"
)

// stored reports whether the disk has something under key.
func (s *store) stored(key string) bool {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	return s.disk.records[object.Key(key)] != nil
}

// fillAs stores a body whose leader said when it is to go to disk.
func (s *store) fillAs(key string, when Storage) *Object {
	s.Helper()
	data := pattern(3000)
	f := s.lead(key)
	f.Storage(when)
	o := f.Start(&object.Meta{Account: "a", Status: 200, Size: int64(len(data))}, 0)
	if err := write(f, data); err != nil {
		s.Fatal(err)
	}
	if err := f.Commit(nil, false); err != nil {
		s.Fatal(err)
	}
	f.Leave()
	return o
}

// turnOut takes an object out of memory.
func (s *store) turnOut(o *Object) {
	o.discard()
	s.index.remove(o)
}

func TestWhatGoesToDisk(t *testing.T) {
	for _, tt := range []struct {
		name          string
		when          Storage
		picky, full   bool
		first, second bool // on disk after the first request, after the second
		later         bool // after another one, when the object is old
	}{
		{"always", StoreAlways, false, false, true, true, true},
		{"always, budget in danger", StoreAlways, true, false, false, true, true},
		{"always, budget used up", StoreAlways, false, true, false, false, false},
		{"second hit", StoreSecondHit, false, false, false, true, true},
		{"second hit, budget used up", StoreSecondHit, false, true, false, false, false},
		{"late", StoreLate, false, false, false, false, true},
		{"never", StoreNever, false, false, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t, Options{})
			s.disk.picky, s.disk.full = tt.picky, tt.full
			o := s.fillAs(key, tt.when)
			if got := s.stored(key); got != tt.first {
				t.Errorf("on disk after the first request: %v, want %v", got, tt.first)
			}
			s.lookup(key)
			if got := s.stored(key); got != tt.second {
				t.Errorf("on disk after the second request: %v, want %v", got, tt.second)
			}
			o.admission.born -= int64(lateAfter)
			s.lookup(key)
			if got := s.stored(key); got != tt.later {
				t.Errorf("on disk after a late request: %v, want %v", got, tt.later)
			}
		})
	}
}

// What was evicted before anybody asked again is stored when it is fetched again.
func TestSecondFetchGoesToDisk(t *testing.T) {
	s := newStore(t, Options{})
	s.disk.picky = true
	s.turnOut(s.fillAs(key, StoreAlways))
	s.turnOut(s.fillAs("a\x00s\x00/other", StoreAlways))
	if s.stored(key) || s.stored("a\x00s\x00/other") {
		t.Fatal("a first fetch was stored")
	}
	s.fillAs(key, StoreAlways)
	if !s.stored(key) {
		t.Error("the second fetch was not stored")
	}
}

// A follower is a second request.
func TestFollowedFillGoesToDisk(t *testing.T) {
	s := newStore(t, Options{})
	s.disk.picky = true
	f := s.lead(key)
	g, leader, _ := s.Join([]byte(key), nil, 1)
	if leader {
		t.Fatal("the second request became a leader")
	}
	f.Start(&object.Meta{Account: "a", Status: 200, Size: 3}, 0)
	if err := write(f, []byte("abc")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(nil, false); err != nil {
		t.Fatal(err)
	}
	f.Leave()
	g.Leave()
	if !s.stored(key) {
		t.Error("what two viewers wanted was not stored")
	}
}

// A freshened response without a body is its metadata: it must not slip past.
func TestFreshenedBodylessIsAdmittedToo(t *testing.T) {
	s := newStore(t, Options{})
	f := s.lead(key)
	f.Storage(StoreNever)
	o := f.Start(&object.Meta{Account: "a", Status: 200}, 0)
	if err := f.Commit(nil, false); err != nil {
		t.Fatal(err)
	}
	f.Leave()
	g, leader, _ := s.Join([]byte(key), o.Meta(), 1)
	if !leader {
		t.Fatal("no leader")
	}
	m := *o.Meta()
	g.Freshened(o, &m)
	g.Leave()
	if s.stored(key) {
		t.Error("metadata of a response that never goes to disk are there")
	}
}

func TestSeen(t *testing.T) {
	s := newSeen(0)
	id := object.ID{Hi: 0x1234, Lo: 7}
	other := object.ID{Hi: 0x9876, Lo: 7 + uint64(len(s))} // falls into the same place
	for i, step := range []struct {
		id   object.ID
		want bool
	}{{id, false}, {id, true}, {other, false}, {id, false}} {
		if got := s.again(step.id); got != step.want {
			t.Errorf("step %d: again = %v, want %v", i, got, step.want)
		}
	}
}
