package config

import (
	"bytes"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"edged/auth"
)

func (l *loader) checkSites(main *source) {
	if len(l.config.Sites) == 0 && len(l.errs) == 0 {
		l.fail(main, "site", "there is no [[site]]: the node would refuse every request with 421")
	}
	u := unique{hosts: map[string]*Site{}, names: map[string]bool{}, keys: map[string]*auth.Key{}, kept: map[string]bool{}}
	for i := range l.config.Sites {
		s := &l.config.Sites[i]
		l.checkSite(s)
		l.checkUnique(s, &u)
		l.checkFloor(s, &u)
	}
}

// unique is what sites seen so far have taken.
type unique struct {
	hosts map[string]*Site
	names map[string]bool      // by account and name
	keys  map[string]*auth.Key // by kid

	floors Size            // of all accounts
	kept   map[string]bool // accounts that have one
}

// maxFloors is how many accounts the RAM tier tells apart.
const maxFloors = 255

// checkFloor holds that the floors leave half of the memory to those who are above
// theirs. The floors of an account's sites add up.
func (l *loader) checkFloor(s *Site, u *unique) {
	floor, size := s.RAMFloor.Of(l.config.RAM.Size), l.config.RAM.Size
	if floor == 0 {
		return
	}
	u.kept[s.Account] = true
	if u.floors += floor; u.floors > size/2 {
		l.failSite(s, "ram_floor", "with this the floors of all sites are %d bytes: they may be half of ram.size (%s) together", u.floors, size)
	}
	if len(u.kept) == maxFloors+1 {
		l.failSite(s, "ram_floor", "more than %d accounts have a floor", maxFloors)
	}
}

func (l *loader) checkUnique(s *Site, u *unique) {
	for _, h := range s.Hosts {
		if other := u.hosts[h]; other == s {
			l.failSite(s, "hosts", "host %s is listed twice", h)
		} else if other != nil {
			l.failSite(s, "hosts", "host %s belongs to the site %s of account %s already", h, other.Name, other.Account)
		}
		u.hosts[h] = s
	}
	id := s.Account + "\x00" + s.Name
	if s.Name != "" && u.names[id] {
		l.failSite(s, "name", "account %s has another site of name %q: give one of them a name", s.Account, s.Name)
	}
	u.names[id] = true
	l.checkKeyIDs(s, u)
}

// checkKeyIDs holds that a kid names one key of one account. Several sites of the
// account may use it.
func (l *loader) checkKeyIDs(s *Site, u *unique) {
	own := map[string]bool{}
	for i := range s.Token.Keys {
		at := indexed("token.key", i) + ".kid"
		if s.Token.Keys[i].JWKSFile != "" {
			at = indexed("token.key", i) + ".jwks_file"
		}
		for _, k := range s.Token.Keys[i].all() {
			if k.ID != "" { // else an error of its own
				l.checkKeyID(s, at, &k, own, u)
			}
		}
	}
}

func (l *loader) checkKeyID(s *Site, at string, k *auth.Key, own map[string]bool, u *unique) {
	switch other := u.keys[k.ID]; {
	case own[k.ID]:
		l.failSite(s, at, "key id %s is used twice in this site", k.ID)
	case other != nil && other.Account != k.Account:
		l.failSite(s, at, "key id %s belongs to account %s already", k.ID, other.Account)
	case other != nil && !sameMaterial(other, k):
		l.failSite(s, at, "account %s has another key with id %s: give each key an id of its own", s.Account, k.ID)
	}
	own[k.ID] = true
	u.keys[k.ID] = k
}

// sameMaterial compares keys of the configuration with each other, so the time it
// takes tells nobody anything.
func sameMaterial(a, b *auth.Key) bool {
	return a.Type == b.Type && bytes.Equal(a.Secret, b.Secret) && bytes.Equal(a.Public, b.Public) &&
		reflect.DeepEqual(a.RSA, b.RSA) && reflect.DeepEqual(a.ECDSA, b.ECDSA)
}

func (l *loader) checkSite(s *Site) {
	if !isWord(s.Account) {
		l.failSite(s, "account", "an account name is required, of printable characters without spaces")
	}
	if s.Name != "" && !isWord(s.Name) {
		l.failSite(s, "name", "%q is not a name: use printable characters without spaces", s.Name)
	}
	if len(s.Hosts) == 0 {
		l.failSite(s, "hosts", `at least one host is required; "*" takes every host that no other site has`)
	}
	for _, h := range s.Hosts {
		if h != "*" && !isHost(h) {
			l.failSite(s, "hosts", `%q is not a host name: no scheme, port, path or wildcard (but "*" alone), other scripts in punycode`, h)
		}
	}
	l.oneOfSite(s, "query.mode", s.Query.Mode, "all", "none", "allow", "deny")
	if s.RedirectHTTPS && len(l.config.Listen.HTTPS) == 0 {
		l.failSite(s, "redirect_https", "there is no listen.https to redirect to")
	}
	if len(s.Regions) > 0 && !slices.Contains(s.Regions, l.config.Node.Region) {
		l.failSite(s, "regions", "this node is in region %q, which the site does not allow: take the site out of this node's files or add the region",
			l.config.Node.Region)
	}
	for _, name := range s.ForwardHeaders {
		l.checkForward(s, name)
	}
	l.oneOfSite(s, "origin.errors", s.Origin.Errors, "replace", "pass")
	l.oneOfSite(s, "disk", s.Disk, "always", "second-hit", "never")
	l.oneOfSite(s, "cookies", s.Cookies, "strip", "refuse", "keep")
	l.oneOfSite(s, "surrogate_keys", s.SurrogateKeys, "strip", "pass")
	for _, m := range s.Methods {
		l.checkMethod(s, m)
	}
	l.checkOrigins(s)
	l.checkToken(s)
	l.checkCORS(s)
	l.checkSiteLog(s)
}

// checkSiteLog holds that a site only asks for more privacy than the node's log has,
// and that nothing that opens doors is logged.
func (l *loader) checkSiteLog(s *Site) {
	node, site := l.config.Log.Address, s.Log.Address
	switch {
	case site == "":
	case site != "strike" && site != "pseudonym" && site != "full" && site != "none":
		l.failSite(s, "log.address", `%q is not known: use one of strike, pseudonym, full, none, or "" for log.address`, site)
	case site != node && site != "none" && node != "full":
		l.failSite(s, "log.address", `%q is not stricter than log.address = %q: a site may only have the same, or "none", or anything where the node has "full"`, site, node)
	}
	switch agent := s.Log.UserAgent; {
	case agent == "" || agent == "family" || agent == l.config.Log.UserAgent:
	case agent == "full":
		l.failSite(s, "log.user_agent", `"full" is not stricter than log.user_agent = %q: a site may only have "family"`, l.config.Log.UserAgent)
	default:
		l.failSite(s, "log.user_agent", `%q is not known: use "family", or "" for log.user_agent`, agent)
	}
	for _, name := range s.Log.Query {
		if !isToken(name) || slices.Contains(secretParameters(), strings.ToLower(name)) {
			l.failSite(s, "log.query", "%q cannot be logged: parameters that hold tokens, sessions or CMCD stay out of the log", name)
		}
	}
}

// secretParameters are names, in lower case, under which token schemes, players and
// sites carry what must not be written down.
func secretParameters() []string {
	return []string{
		"ect", "cmcd", "token", "access_token", "id_token", "auth", "authorization", "jwt", "hmac", "sig", "signature", "policy",
		"key-pair-id", "hdnts", "hdnea", "verify", "sid", "session", "sessionid", "key", "password", "secret",
	}
}

// checkForward takes names of request fields that may reach an origin. Those of the
// connection belong to the edge; those it uses itself would break caching.
func (l *loader) checkForward(s *Site, name string) {
	own := []string{
		"host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect",
		"range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "via", "cdn-loop",
	}
	switch lower := strings.ToLower(name); {
	case !isToken(name):
		l.failSite(s, "forward_headers", "%q is not the name of a header field", name)
	case slices.Contains(own, lower) || strings.HasPrefix(lower, "proxy-") || strings.HasPrefix(lower, "x-forwarded-"):
		l.failSite(s, "forward_headers", "%s is a field that the edge sets itself: it cannot be forwarded", name)
	}
}

// checkMethod takes methods that may be passed on. Those the edge answers itself, and
// those that turn a connection or a request inside out, cannot be.
func (l *loader) checkMethod(s *Site, m string) {
	switch {
	case !isToken(m) || m != strings.ToUpper(m):
		l.failSite(s, "methods", "%q is not a method: write it in capitals, such as POST", m)
	case slices.Contains([]string{"GET", "HEAD", "OPTIONS", "CONNECT", "TRACE"}, m):
		l.failSite(s, "methods", "%s cannot be passed on: list unsafe methods only, such as POST, PUT or DELETE", m)
	}
}

func (l *loader) checkCORS(s *Site) {
	if s.CORS.Credentials && (len(s.CORS.Origins) == 0 || slices.Contains(s.CORS.Origins, "*")) {
		l.failSite(s, "cors.credentials", "credentials go to named pages only: list them in cors.origins")
	}
	for _, o := range s.CORS.Origins {
		u, err := url.Parse(o)
		if o == "*" || o == "null" || err == nil && u.Host != "" && o == u.Scheme+"://"+u.Host {
			continue
		}
		l.failSite(s, "cors.origins", `%q is not an origin of a page: write scheme and host only, for example "https://player.example"`, withoutPassword(o))
	}
}

func (l *loader) oneOfSite(s *Site, key, value string, allowed ...string) {
	l.oneOf(s.place.file, s.siteKey(key), value, allowed...)
}

func (l *loader) checkOrigins(s *Site) {
	if len(s.Origins) == 0 {
		l.failSite(s, "origins", `at least one origin is required, for example "https://origin.example"`)
	}
	for _, o := range s.Origins {
		if !isOriginURL(o) {
			l.failSite(s, "origins", "%q is not an origin: write http:// or https:// and a host, without query or password", withoutPassword(o))
		}
	}
	o := &s.Origin
	for _, timeout := range []struct {
		key   string
		value Duration
	}{
		{"connect_timeout", o.ConnectTimeout},
		{"first_byte_timeout", o.FirstByteTimeout},
		{"hold_timeout", o.HoldTimeout},
		{"idle_timeout", o.IdleTimeout},
		{"total_timeout", o.TotalTimeout},
	} {
		if timeout.value <= 0 {
			l.failSite(s, "origin."+timeout.key, "%s is too short: more than 0, for example \"10s\"", timeout.value)
		}
	}
	if o.MaxConnections < 1 {
		l.failSite(s, "origin.max_connections", "%d connections are too few: at least 1", o.MaxConnections)
	}
}

func isOriginURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// withoutPassword cuts what stands before an '@' and after a '?' out of a URL, for
// messages.
func withoutPassword(text string) string {
	if path, _, ok := strings.Cut(text, "?"); ok {
		text = path + "?…"
	}
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	scheme := strings.Index(text[:at], "://")
	return text[:max(0, scheme+3)] + "…" + text[at:]
}

// isWord reports whether a name is printable and without spaces.
func isWord(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// isHost takes names of letters, digits, '-', '_' and '.', and addresses, those of
// IPv6 in brackets.
func isHost(h string) bool {
	if inner, ok := strings.CutPrefix(h, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		return ok && err == nil && ip.Is6()
	}
	return isToken(h) && h[0] != '.' && !strings.Contains(h, "..")
}
