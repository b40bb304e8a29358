package edge

import (
	"hash/maphash"
	"sync"
)

// sessionLocks is the number of shards of the table of sessions.
const sessionLocks = 64

// sessions counts the requests under way of each token session, on sites that
// bound them. Only those take its locks.
type sessions struct {
	seed   maphash.Seed
	shards [sessionLocks]sessionShard
}

type sessionShard struct {
	mu    sync.Mutex
	count map[uint64]int // requests under way; guarded by mu
}

func newSessions() *sessions {
	s := &sessions{seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].count = map[uint64]int{}
	}
	return s
}

// id tells sessions of one account apart. It is never 0.
func (s *sessions) id(account string, session []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_, _ = h.WriteString(account)
	_ = h.WriteByte(0)
	_, _ = h.Write(session)
	return h.Sum64() | 1
}

// enter counts a request of session id; false when that would be more than limit.
func (s *sessions) enter(id uint64, limit int) bool {
	shard := &s.shards[id>>1%sessionLocks]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.count[id] >= limit {
		return false
	}
	shard.count[id]++
	return true
}

// leave ends a request that enter counted.
func (s *sessions) leave(id uint64) {
	shard := &s.shards[id>>1%sessionLocks]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.count[id]--; shard.count[id] <= 0 {
		delete(shard.count, id)
	}
}

// claimSession takes a place for the request's session where the site bounds them.
func (e *Edge) claimSession(x *Exchange, session []byte) bool {
	limit := x.site.SessionRequests
	if limit == 0 || len(session) == 0 {
		return true
	}
	id := e.sessions.id(x.site.Account, session)
	if !e.sessions.enter(id, limit) {
		x.out.Detail = DetailSession
		return e.refuse(x, 429)
	}
	x.session = id
	return true
}

// leaveSession gives the place back.
func (x *Exchange) leaveSession() {
	if x.session != 0 {
		x.edge.sessions.leave(x.session)
		x.session = 0
	}
}
