package admin

import (
	"encoding/json"
	"net/http"
	"strings"
)

// handler routes. Reads answer GET and HEAD, the patterns see to that.
func (s *Server) handler() (http.Handler, error) {
	metrics, err := s.metricsHandler()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler("/status", http.StatusSeeOther))
	mux.HandleFunc("GET /status", s.serveStatus)
	mux.HandleFunc("GET /status.json", s.serveJSON)
	mux.HandleFunc("GET /status/{file}", s.page.serveFile)
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", serveHealth)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /api/v1/status", s.serveJSON)
	mux.HandleFunc("GET /api/v1/usage", s.serveUsage)
	mux.HandleFunc("POST /api/v1/drain", s.order("drain", s.drain))
	mux.HandleFunc("POST /api/v1/purge", s.servePurge)
	mux.HandleFunc("POST /api/v1/erase", s.serveErase)
	mux.HandleFunc("POST /api/v1/revoke", s.serveRevoke)
	return s.guarded(mux), nil
}

// serveStatus answers with the page, or with JSON for who prefers that.
func (s *Server) serveStatus(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html") {
		s.serveJSON(w, r)
		return
	}
	s.page.serve(w, s.status())
}

func (s *Server) serveJSON(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, http.StatusOK, s.status())
}

// writeJSON answers with v. The only error there can be is a client that left.
func (s *Server) writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

// serveHealth answers as long as the process can answer at all.
func serveHealth(w http.ResponseWriter, _ *http.Request) {
	writeText(w, http.StatusOK, "ok")
}

// serveReady tells a load balancer whether to send requests here.
func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	state, code := s.State(), http.StatusServiceUnavailable
	if state == Serving {
		code = http.StatusOK
	}
	writeText(w, code, state.String())
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n"))
}
