package edge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"edged/cache"
	"edged/logfmt"
)

// Log takes one record a request; *logfmt.Writer is such. Write must not block.
type Log interface{ Write(r *logfmt.Record) }

// Options configure an edge.
type Options struct {
	Cache *cache.Cache
	Log   Log              // nil: no access log
	Error *slog.Logger     // nil: discard
	Now   func() time.Time // nil: time.Now
}

// Edge serves requests. Create one a process.
type Edge struct {
	cache  *cache.Cache
	log    Log
	errors *slog.Logger
	now    func() time.Time
	sites  atomic.Pointer[Sites]
	shards atomic.Uint32
	stray  strayCounters
	live   liveFolders
	// carries holds what rewrites manifests: with their buffers too much for each connection.
	carries sync.Pool
	// uploads holds a place for each unsafe request under way.
	uploads  chan struct{}
	sessions *sessions

	base atomic.Int64 // first hour that usage has cells for, 0 before Usage was called

	mu       sync.Mutex // guards counted
	counted  map[string]*siteCounters
	ctx      context.Context
	stop     context.CancelCauseFunc
	fetchers sync.WaitGroup
}

var errClosing = errors.New("edge: shutting down")

// New returns an edge without sites: it answers 421 until SetSites.
func New(o Options) *Edge {
	e := &Edge{cache: o.Cache, log: o.Log, errors: o.Error, now: o.Now, uploads: make(chan struct{}, maxUploads), sessions: newSessions(), counted: map[string]*siteCounters{}}
	if e.errors == nil {
		e.errors = slog.New(slog.DiscardHandler)
	}
	if e.now == nil {
		e.now = time.Now
	}
	e.ctx, e.stop = context.WithCancelCause(context.Background())
	e.sites.Store(NewSites(nil))
	return e
}

// SetSites replaces the table of sites for requests that begin from now on.
// Counters of a site that keeps its account and name go on.
func (e *Edge) SetSites(t *Sites) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range t.all {
		id := s.Account + "\x00" + s.Name
		if e.counted[id] == nil {
			e.counted[id] = &siteCounters{account: s.Account, site: s.Name}
		}
		s.counters = e.counted[id]
	}
	e.sites.Store(t)
}

// Close stops all fetches and waits for them. No request may be under way.
func (e *Edge) Close() {
	e.stop(errClosing)
	e.fetchers.Wait()
}

// Serve decides about x.Req and completes x.Resp. It blocks while the header of
// the response is fetched. The adapter writes x.Resp and calls Finish.
func (e *Edge) Serve(x *Exchange) {
	e.begin(x)
	if e.locate(x) && e.admit(x) && e.authorise(x) {
		e.identify(x)
		switch {
		case x.site.passes(borrowed(x.Req.Method)):
			e.passOn(x)
		case !e.carry(x):
			e.answer(x)
		}
		x.pace(x.rate)
	}
}

// Refuse completes x.Resp for a request that the adapter could not parse: status
// is 400, 408, 413, 414, 417, 431, 501 or 505. The connection will be closed.
func (e *Edge) Refuse(x *Exchange, status int) {
	e.begin(x)
	x.out.Detail = DetailProtocol
	x.Resp.Close = true
	e.refuse(x, status)
}

// Panicked completes x.Resp after a panic in Serve, whose details belong into
// the error log without anything of the request.
func (e *Edge) Panicked(x *Exchange) {
	x.body.Close()
	x.out.Detail = DetailInternal
	x.Resp.Close = true
	e.refuse(x, 500)
}
