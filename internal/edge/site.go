package edge

import (
	"context"
	"strings"

	"edged/auth"
	"edged/cache"
	"edged/cache/rfc9111"
	"edged/internal/target"
	"edged/logfmt"
	"edged/origin"
)

// Origins fetch what the cache lacks; *origin.Group is such.
type Origins interface {
	Fetch(ctx context.Context, r *origin.Request) (*origin.Response, error)
	Stats() []origin.Stats
}

// Site is one customer's set of host names and how requests to them are served.
// It is immutable once in a [Sites] table.
type Site struct {
	Account string   // owner; fences keys, cache, logs and counters
	Name    string   // unique name, by convention the first host
	Hosts   []string // canonical host names; "*" takes every other host
	Origins Origins

	// Token finds and verifies tokens, nil on a site without any. A token is cut
	// out of the target even where TokenRequired is false.
	Token         auth.Scheme
	TokenRequired bool
	// Atlas knows where viewers are, nil where no token asks.
	Atlas auth.Atlas
	// SessionRequests bounds the requests under way of one token session, 0 for no
	// bound. Tokens without a session are not bounded.
	SessionRequests int
	// Carry says how a token gets from manifests to what they name, where its scheme can.
	Carry Carry
	// Sessions exchanges the tokens of requests for manifests, nil on a site without. It
	// needs a Carry.
	Sessions SessionMinter
	// SessionRedirect sends a viewer to the manifest under the session token, instead of
	// handing that out with the manifest.
	SessionRedirect bool
	// SessionFolder lets a token that is for the manifest alone be exchanged for one that
	// opens the manifest's folder.
	SessionFolder bool

	// Query says which parameters count. What does not count reaches neither the
	// cache key nor the origin.
	Query target.QueryPolicy
	// Forward lists request fields handed to the origin, in canonical case. A
	// response may vary on these and on no others.
	Forward []string
	CORS    CORS
	Log     LogPolicy
	// ClientDirectives lets viewers' Cache-Control count (RFC 9111 §5.2.1): then
	// they can make the edge ask the origin again.
	ClientDirectives bool

	// Methods lists the unsafe methods that are passed on to the origin. What they
	// succeed in changing is no longer served from the cache.
	Methods []string
	// PassErrors hands the origin's own 5xx responses to viewers, and stores them as
	// far as the origin says how long they live. Otherwise they become 502.
	PassErrors bool
	Cookies    rfc9111.CookiePolicy // what to do with responses that set cookies
	// ShowKeys hands the surrogate keys of responses on to viewers, of whom one may
	// be another cache.
	ShowKeys bool

	// Storage says when responses go to disk.
	Storage cache.Storage

	RedirectHTTPS bool   // answer plain HTTP with a redirect
	HSTS          string // Strict-Transport-Security on TLS, "" for none
	// PublicScheme is what X-Forwarded-Proto tells the origin: a constant of the
	// site, so that it needs no place in the cache key.
	PublicScheme string

	wildcard bool
	allow    string // value of Allow: the methods that the site answers
	counters *siteCounters
}

// LogPolicy says what the access log may hold of a site's requests.
type LogPolicy struct {
	Address logfmt.AddressMode // of client addresses; a log never follows it to a weaker mode than its own
	Query   []string           // raw names of parameters that are logged with their values
	Agent   bool               // the whole User-Agent, and not its family alone
}

// Sites finds the site of a host. It is immutable.
type Sites struct {
	byHost map[string]*Site
	other  *Site // of host "*", nil when there is none
	all    []*Site
}

// NewSites returns the table of sites. Two sites must not claim one host; the
// configuration has checked that.
func NewSites(sites []*Site) *Sites {
	t := &Sites{byHost: make(map[string]*Site, len(sites)), all: sites}
	for _, s := range sites {
		s.wildcard = false
		s.allow = strings.Join(append([]string{safeMethods}, s.Methods...), ", ")
		for _, h := range s.Hosts {
			if h == "*" {
				s.wildcard, t.other = true, s
				continue
			}
			t.byHost[strings.ToLower(h)] = s
		}
	}
	return t
}

// find returns the site of a canonical host, nil when there is none.
func (t *Sites) find(host []byte) *Site {
	if s := t.byHost[string(host)]; s != nil {
		return s
	}
	return t.other
}
