package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// closeTime is how long answers under way may take at the end.
const closeTime = 2 * time.Second

// Server answers on the admin listener.
type Server struct {
	options Options
	started time.Time
	state   atomic.Uint32
	history history
	page    *page
	http    http.Server

	stop context.CancelFunc
	done sync.WaitGroup
}

// New returns a server in the state [Starting] and begins to note rates. It must be
// closed.
func New(o Options) (*Server, error) {
	if o.Sources.Edge == nil {
		return nil, errNoEdge
	}
	s := &Server{options: o.withDefaults()}
	s.started = s.options.Now()
	var err error
	if s.page, err = newPage(); err != nil {
		return nil, err
	}
	handler, err := s.handler()
	if err != nil {
		return nil, err
	}
	s.http = http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          quietLog(),
		ConnContext:       withPeer,
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.watch(ctx) })
	return s, nil
}

// Serve answers on l until Close, which makes it return nil. It closes l. Several
// listeners may be served.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: serve: %w", err)
	}
	return nil
}

// SetState says how far the node is. The life of a node only goes forward: an
// earlier state than the present one is ignored, so that an order to drain during
// the start is not forgotten when the start is over.
func (s *Server) SetState(state State) {
	for {
		old := s.state.Load()
		if uint32(state) <= old || s.state.CompareAndSwap(old, uint32(state)) {
			return
		}
	}
}

// State returns the latest state that SetState was told.
func (s *Server) State() State { return State(s.state.Load()) }

// Close ends answers under way, after two seconds by force, and waits for every
// goroutine.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("admin: close: %w", err), s.http.Close())
	}
	s.stop()
	s.done.Wait()
	return err
}
