package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxRetention is what the host has promised: logs are kept up to three months.
const maxRetention = Duration(90 * 24 * time.Hour)

// minRAM is the least that still holds some blocks of each size.
const minRAM = Size(16 << 20)

// completeNode fills in the node name.
func (l *loader) completeNode() {
	if l.config.Node.Name != "" {
		return
	}
	if name, err := os.Hostname(); err == nil {
		l.config.Node.Name, _, _ = strings.Cut(name, ".")
	} else {
		l.config.Node.Name = "edged"
	}
}

// check looks at each part and at how the parts fit together.
func (l *loader) check() {
	main := l.files[0]
	l.checkListen(main)
	l.checkTLS(main)
	l.checkTiers(main)
	l.checkLog(main)
	l.checkSites(main)
}

func (l *loader) checkListen(f *source) {
	c := &l.config.Listen
	if len(c.HTTP)+len(c.HTTPS) == 0 {
		l.fail(f, "listen.http", `nothing to listen on: set http or https, for example http = ["0.0.0.0:80"]`)
	}
	for _, a := range c.HTTP {
		l.checkAddress(f, "listen.http", a)
	}
	for _, a := range c.HTTPS {
		l.checkAddress(f, "listen.https", a)
	}
	if c.HTTP3 {
		l.fail(f, "listen.http3", "this version does not speak HTTP/3 yet: set it to false")
	}
	if c.MaxConnections < 1 {
		l.fail(f, "listen.max_connections", "must be at least 1")
	}
	l.checkAdmin(f)
}

func (l *loader) checkAddress(f *source, key, address string) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		l.fail(f, key, `%q is not an address: write host:port, for example "0.0.0.0:80" or "[::]:80"`, address)
	}
}

// checkAdmin allows loopback and unix sockets only: anything else needs roles and
// TLS, which this version does not have.
func (l *loader) checkAdmin(f *source) {
	admin := l.config.Listen.Admin
	if admin == "" || strings.HasPrefix(admin, "/") {
		return
	}
	host, _, err := net.SplitHostPort(admin)
	if err != nil {
		l.fail(f, "listen.admin", `%q is neither host:port nor the path of a unix socket`, admin)
		return
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		l.fail(f, "listen.admin", "%s is not a loopback address: use 127.0.0.1:PORT, [::1]:PORT or a unix socket", admin)
	}
}

func (l *loader) checkTLS(f *source) {
	certificates := l.config.TLS.Certificates
	if len(l.config.Listen.HTTPS) > 0 && len(certificates) == 0 {
		l.fail(f, "tls.certificates", `listen.https needs a certificate: set certificates = [{ cert = "…", key = "…" }]`)
	}
	for _, c := range certificates {
		for _, path := range []string{c.Cert, c.Key} {
			if _, err := os.Stat(path); err != nil {
				l.fail(f, "tls.certificates", "cannot read %q: %v", path, rootCause(err))
			}
		}
	}
}

func (l *loader) checkTiers(f *source) {
	if l.config.RAM.Size < minRAM {
		l.fail(f, "ram.size", "%s is too small: at least %s", l.config.RAM.Size, minRAM)
	}
	seen := map[string]bool{}
	for i, d := range l.config.Disks {
		key := fmt.Sprintf("disk[%d]", i)
		switch {
		case !filepath.IsAbs(d.Path):
			l.fail(f, key+".path", "%q must be an absolute path", d.Path)
		case seen[filepath.Clean(d.Path)]:
			l.fail(f, key+".path", "%s is the path of another disk already", d.Path)
		}
		seen[filepath.Clean(d.Path)] = true
		if d.Size < 64<<20 {
			l.fail(f, key+".size", "%s is too small: at least 64MiB", d.Size)
		}
	}
}

func (l *loader) checkLog(f *source) {
	c := &l.config.Log
	l.oneOf(f, "log.format", c.Format, "w3c", "json")
	l.oneOf(f, "log.address", c.Address, "strike", "pseudonym", "full", "none")
	l.oneOf(f, "log.level", c.Level, "debug", "info", "warn", "error")
	if c.Retention <= 0 || c.Retention > maxRetention {
		l.fail(f, "log.retention", "%s is out of range: more than 0 and at most %s, as promised to viewers", c.Retention, maxRetention)
	}
	if c.MaxSize < 1<<20 {
		l.fail(f, "log.max_size", "%s is too small: at least 1MiB", c.MaxSize)
	}
	if c.MaxAge < Duration(time.Second) {
		l.fail(f, "log.max_age", "%s is too short: at least 1s", c.MaxAge)
	}
}

func (l *loader) oneOf(f *source, key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		l.fail(f, key, "%q is not known: use one of %s", value, strings.Join(allowed, ", "))
	}
}

func (l *loader) checkSites(main *source) {
	if len(l.config.Sites) == 0 {
		l.fail(main, "site", "there is no [[site]]: the node would refuse every request with 421")
	}
	hosts, names, kids := map[string]bool{}, map[string]bool{}, map[string]string{}
	for i := range l.config.Sites {
		s := &l.config.Sites[i]
		l.checkSite(s)
		for _, h := range s.Hosts {
			if hosts[h] {
				l.failSite(s, "hosts", "host %s belongs to another site already", h)
			}
			hosts[h] = true
		}
		if id := s.Account + "\x00" + s.Name; names[id] {
			l.failSite(s, "name", "account %s has another site of name %q: give one of them a name", s.Account, s.Name)
		} else {
			names[id] = true
		}
		for j, k := range s.Token.Keys {
			if owner, ok := kids[k.ID]; ok && owner != s.Account {
				l.failSite(s, fmt.Sprintf("token.key[%d].kid", j), "key id %s belongs to account %s already", k.ID, owner)
			}
			kids[k.ID] = s.Account
		}
	}
}

func (l *loader) checkSite(s *Site) {
	if s.Account == "" || strings.ContainsFunc(s.Account, isUnprintable) {
		l.failSite(s, "account", "an account name is required, of printable characters without spaces")
	}
	if len(s.Hosts) == 0 {
		l.failSite(s, "hosts", `at least one host is required; "*" takes every host that no other site has`)
	}
	for _, h := range s.Hosts {
		if h == "" || h != "*" && strings.ContainsAny(h, "*/: ") && !strings.HasPrefix(h, "[") {
			l.failSite(s, "hosts", "%q is not a host name: no scheme, port, path or wildcard (but \"*\" alone)", h)
		}
	}
	l.checkOrigins(s)
	l.oneOfSite(s, "query.mode", s.Query.Mode, "all", "none", "allow", "deny")
	l.oneOfSite(s, "token.scheme", s.Token.Scheme, "ect")
	if s.Token.Required && len(s.Token.Keys) == 0 {
		l.failSite(s, "token.required", "a token is required but there is no [[site.token.key]] to check it with")
	}
	if s.RedirectHTTPS && len(l.config.Listen.HTTPS) == 0 {
		l.failSite(s, "redirect_https", "there is no listen.https to redirect to")
	}
	if len(s.Regions) > 0 && !slices.Contains(s.Regions, l.config.Node.Region) {
		l.failSite(s, "regions", "this node is in region %q, which the site does not allow", l.config.Node.Region)
	}
	if s.CORS.Credentials && slices.Contains(s.CORS.Origins, "*") {
		l.failSite(s, "cors.origins", `credentials go to named origins only: list them instead of "*"`)
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
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
			l.failSite(s, "origins", "%q is not an origin: write http:// or https:// and a host, without query or password", o)
		}
	}
	if s.Origin.CAFile != "" {
		if _, err := os.Stat(s.Origin.CAFile); err != nil {
			l.failSite(s, "origin.ca_file", "cannot read %q: %v", s.Origin.CAFile, rootCause(err))
		}
	}
}

func isUnprintable(r rune) bool { return r <= ' ' || r == 0x7f }

// rootCause is the innermost error, which says what the system said without
// repeating the path.
func rootCause(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || u.Unwrap() == nil {
			return err
		}
		err = u.Unwrap()
	}
}
