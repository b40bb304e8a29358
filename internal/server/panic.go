package server

import (
	"fmt"

	"edged/internal/edge"
)

// guard calls f and reports whether it returned without a panic: one broken
// request must not end the process. The panic is counted and logged.
func (s *Server) guard(where string, f func()) (sound bool) {
	defer func() {
		if !sound {
			s.panicked(where, recover())
		}
	}()
	f()
	return true
}

// panicked counts and logs a panic. Its value may hold bytes of a request, so
// only its type is logged, unless the runtime made it, and of the stack no arguments.
func (s *Server) panicked(where string, v any) {
	s.count.Panics.Add(1)
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(interface {
		error
		RuntimeError()
	}); ok {
		what = e.Error()
	}
	s.opt.Log.Error("server: panic while serving", "where", where, "what", what, "stack", edge.Stack())
}
