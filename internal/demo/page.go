package demo

import (
	"embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed player
var playerFiles embed.FS

// OriginPath is where [New] mounts the origin: the edge's origin URL is the
// address of the handler and this.
const OriginPath = "/origin"

// Options describe the demonstration to [New].
type Options struct {
	Key        Key
	EdgePort   int    // where the edge serves plain HTTP, on loopback
	StatusPort int    // where the edge's status page is, 0 when there is none
	Version    string // shown on the page

	// Restart, if set, ends the edge and starts it again: what is in RAM is lost,
	// what is on disk stays. It returns when the edge serves again.
	Restart func() error
	// Now is the clock, time.Now when nil.
	Now func() time.Time
}

// handler serves the page, its interface, and the origin.
type handler struct {
	Options
	origin *Origin
	mux    *http.ServeMux
}

// New returns the handler of the demonstration's own port:
//
//	GET  /              the page and its files
//	GET  /session.json  signed URLs for one play, see [Session]
//	GET  /requests.json how often the origin was asked, by file
//	POST /restart       Options.Restart
//	GET  /origin/…      the title
//
// It answers requests for loopback names only: a page elsewhere must not reach it
// by a name of its own that it points here.
func New(o Options) (http.Handler, error) {
	origin, err := NewOrigin(Title())
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &handler{Options: o, origin: origin, mux: http.NewServeMux()}
	h.mux.Handle("/", http.FileServerFS(sub(playerFiles, "player")))
	h.mux.HandleFunc("GET /session.json", h.session)
	h.mux.HandleFunc("GET /requests.json", h.requests)
	h.mux.HandleFunc("POST /restart", h.restart)
	h.mux.Handle(OriginPath+"/", http.StripPrefix(OriginPath, origin))
	return h, nil
}

// ServeHTTP lets loopback names in and adds the fields of the page.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := hostname(r.Host)
	if name != "localhost" && !net.ParseIP(name).IsLoopback() {
		http.Error(w, "the demonstration answers to localhost only", http.StatusMisdirectedRequest)
		return
	}
	if !strings.HasPrefix(r.URL.Path, OriginPath+"/") { // its answers are stored: they are the origin's alone
		f := w.Header()
		f.Set("Content-Security-Policy", h.policy(name))
		f.Set("X-Content-Type-Options", "nosniff")
		f.Set("Referrer-Policy", "no-referrer")
		f.Set("Cache-Control", "no-cache")
	}
	h.mux.ServeHTTP(w, r)
}

// policy confines the page to this binary: nothing may come from elsewhere.
func (h *handler) policy(name string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; " +
		"connect-src 'self' " + base(name, h.EdgePort) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// hostname is the name in a Host field, without port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// base is the URL of a port under the name by which the page was asked for, so
// that the page works under each name that works.
func base(name string, port int) string {
	return "http://" + net.JoinHostPort(name, strconv.Itoa(port))
}

// Session is what the page needs for one play. Its token is new each time, so
// that the browser's own cache never has the URLs, and the edge shows that tokens
// are no part of its cache key.
type Session struct {
	Edge       string          `json:"edge"`   // base URL of the edge
	Status     string          `json:"status"` // URL of the status page, "" for none
	Version    string          `json:"version"`
	CanRestart bool            `json:"canRestart"`
	Streams    []SessionStream `json:"streams"`
}

// SessionStream is a stream with its signed URL.
type SessionStream struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	URL  string `json:"url"`
}

func (h *handler) session(w http.ResponseWriter, r *http.Request) {
	token, err := h.Key.Token(h.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	name := hostname(r.Host)
	s := Session{Edge: base(name, h.EdgePort), Version: h.Version, CanRestart: h.Restart != nil}
	if h.StatusPort != 0 {
		s.Status = base(name, h.StatusPort) + "/status"
	}
	for _, v := range Streams() {
		s.Streams = append(s.Streams, SessionStream{v.ID, v.Name, v.Kind, s.Edge + SignedPath(token, v.Path)})
	}
	writeJSON(w, s)
}

// requests is for tests and for the curious.
func (h *handler) requests(w http.ResponseWriter, _ *http.Request) {
	answer := struct {
		Total int            `json:"total"`
		Paths map[string]int `json:"paths"`
	}{Paths: h.origin.Requests()}
	for _, n := range answer.Paths {
		answer.Total += n
	}
	writeJSON(w, answer)
}

// restart is for the page's own button: a page elsewhere cannot set the field
// without a preflight, and preflights are not answered.
func (h *handler) restart(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.Restart == nil:
		http.NotFound(w, r)
		return
	case r.Header.Get("X-Requested-With") != "edged-demo":
		http.Error(w, "only the page may do this", http.StatusForbidden)
		return
	}
	if err := h.Restart(); err != nil {
		http.Error(w, fmt.Sprintf("the edge did not start again: %v", err), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // an error means that the page has left
}
