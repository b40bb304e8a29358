package config

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of what makes sense.
const (
	maxRetention = Duration(90 * 24 * time.Hour) // logs are kept up to three months, as promised to viewers
	minUsage     = 31 * day                      // a month has to be billed
	maxUsage     = 3660 * day
	minRAM       = Size(16 << 20) // some blocks of each size
	minDisk      = Size(64 << 20) // some extents
	minLogFile   = Size(1 << 20)
	maxAnonymity = 100 // logfmt.MaxAnonymity
)

// completeNode fills in the node name.
func (l *loader) completeNode() {
	if l.config.Node.Name != "" {
		return
	}
	l.config.Node.Name = "edged"
	if name, err := os.Hostname(); err == nil && isToken(name) {
		l.config.Node.Name, _, _ = strings.Cut(name, ".")
	}
}

// check looks at each part and at how the parts fit together.
func (l *loader) check(main *source) {
	l.checkNode(main)
	l.checkListen(main)
	l.checkTLS(main)
	l.checkTiers(main)
	l.checkLog(main)
	l.checkShip(main)
	l.checkUsage(main)
	l.config.Geo.CountryFile = l.readable(main, "geo.country_file", l.config.Geo.CountryFile)
	l.config.Geo.ASNFile = l.readable(main, "geo.asn_file", l.config.Geo.ASNFile)
	l.checkSites(main)
}

func (l *loader) checkNode(f *source) {
	n := &l.config.Node
	if !isToken(n.Name) {
		l.fail(f, "node.name", "%q stands in Via and in logs: use letters, digits, '-', '_' and '.'", n.Name)
	}
	if !isToken(n.Region) {
		l.fail(f, "node.region", "%q is not a region: use letters, digits, '-', '_' and '.', for example \"EU\"", n.Region)
	}
	if n.State != "" && !filepath.IsAbs(n.State) {
		l.fail(f, "node.state", `%q must be an absolute path, for example "/var/lib/edged"`, n.State)
	}
}

func (l *loader) checkListen(f *source) {
	c := &l.config.Listen
	if len(c.HTTP)+len(c.HTTPS) == 0 {
		l.fail(f, "listen.http", `nothing to listen on: set http or https, for example http = ["0.0.0.0:80"]`)
	}
	seen := map[string]bool{}
	for _, a := range c.HTTP {
		l.checkAddress(f, "listen.http", a, seen)
	}
	for _, a := range c.HTTPS {
		l.checkAddress(f, "listen.https", a, seen)
	}
	if c.HTTP3 {
		l.fail(f, "listen.http3", "this version does not speak HTTP/3 yet: set it to false")
	}
	if c.MaxConnections < 1 {
		l.fail(f, "listen.max_connections", "%d connections are too few: at least 1", c.MaxConnections)
	}
	l.checkAdmin(f, seen)
}

// checkAddress takes host:port with a numeric port. Port 0 is a free one, which
// several listeners may ask for.
func (l *loader) checkAddress(f *source, key, address string, seen map[string]bool) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		l.fail(f, key, `%q is not an address: write host:port, for example "0.0.0.0:80" or "[::]:80"`, address)
		return
	}
	if seen[address] && port != "0" {
		l.fail(f, key, "%s is listed twice", address)
	}
	seen[address] = true
}

// checkAdmin allows loopback and unix sockets only: anything else needs roles and
// TLS, which this version does not have.
func (l *loader) checkAdmin(f *source, seen map[string]bool) {
	const key = "listen.admin"
	admin := l.config.Listen.Admin
	if l.config.Listen.AdminTokenFile != "" {
		l.fail(f, "listen.admin_token_file", "this version has no admin API for other machines yet: leave it empty")
	}
	if admin == "" || strings.HasPrefix(admin, "/") {
		return
	}
	host, _, err := net.SplitHostPort(admin)
	if err != nil {
		l.fail(f, key, `%q is neither host:port nor the path of a unix socket`, admin)
		return
	}
	l.checkAddress(f, key, admin, seen)
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		l.fail(f, key, "%s is not a loopback address: use 127.0.0.1:PORT, [::1]:PORT or the path of a unix socket", admin)
	}
}

func (l *loader) checkTLS(f *source) {
	certificates := l.config.TLS.Certificates
	if len(l.config.Listen.HTTPS) > 0 && len(certificates) == 0 {
		l.fail(f, "tls.certificates", `listen.https needs a certificate: set certificates = [{ cert = "…", key = "…" }]`)
	}
	for i := range certificates {
		c, key := &certificates[i], indexed("tls.certificates", i)
		if c.Cert == "" || c.Key == "" {
			l.fail(f, key, "a certificate has both a cert and a key")
		}
		c.Cert = l.readable(f, key+".cert", c.Cert)
		c.Key = l.readable(f, key+".key", c.Key)
	}
}

// readable returns the absolute form of the path of a file, which it tries to open:
// whether the service may read it is known only then.
func (l *loader) readable(f *source, key, path string) string {
	if path == "" {
		return ""
	}
	absolute, err := f.resolve(path)
	if err != nil {
		l.fail(f, key, "%v", err)
		return path
	}
	file, err := os.Open(absolute)
	if err != nil {
		l.fail(f, key, "cannot read %q: %v", absolute, rootCause(err))
		return path
	}
	_ = file.Close()
	return absolute
}

func (l *loader) checkTiers(f *source) {
	if l.config.RAM.Size < minRAM {
		l.fail(f, "ram.size", "%s is too small: at least %s", l.config.RAM.Size, minRAM)
	}
	seen := map[string]bool{}
	for i, d := range l.config.Disks {
		key, path := indexed("disk", i), filepath.Clean(d.Path)
		switch {
		case !filepath.IsAbs(d.Path):
			l.fail(f, key+".path", "%q must be an absolute path", d.Path)
		case seen[path]:
			l.fail(f, key+".path", "%s is the path of another disk already", d.Path)
		}
		seen[path] = true
		if d.Size < minDisk {
			l.fail(f, key+".size", "%s is too small: at least %s", d.Size, minDisk)
		}
		l.checkEncryption(f, key, &l.config.Disks[i])
	}
}

func (l *loader) checkLog(f *source) {
	c := &l.config.Log
	if c.Dir != "" && !filepath.IsAbs(c.Dir) {
		l.fail(f, "log.dir", `%q must be an absolute path, or "" for no access log`, c.Dir)
	}
	l.oneOf(f, "log.format", c.Format, "w3c", "json", "binary")
	l.oneOf(f, "log.address", c.Address, "strike", "pseudonym", "full", "none")
	l.oneOf(f, "log.user_agent", c.UserAgent, "family", "full")
	l.oneOf(f, "log.pseudonym_key", c.PseudonymKey, "hour", "day")
	l.oneOf(f, "log.compress", c.Compress, "none", "zstd", "gzip")
	switch k := c.KAnonymity; {
	case k == 0:
	case k < 2 || k > maxAnonymity:
		l.fail(f, "log.k_anonymity", "%d is out of range: 2 to %d viewers, or 0 for none", k, maxAnonymity)
	case c.Address != "strike":
		l.fail(f, "log.k_anonymity", `needs log.address = "strike": with %q there is nothing that several viewers share`, c.Address)
	}
	l.oneOf(f, "log.level", c.Level, "debug", "info", "warn", "error")
	if c.Retention <= 0 || c.Retention > maxRetention {
		l.fail(f, "log.retention", "%s is out of range: more than 0 and at most %s, as promised to viewers", c.Retention, maxRetention)
	}
	if c.MaxSize < minLogFile {
		l.fail(f, "log.max_size", "%s is too small: at least %s", c.MaxSize, minLogFile)
	}
	if c.MaxTotal != 0 && c.MaxTotal < c.MaxSize {
		l.fail(f, "log.max_total", "%s is less than one file of log.max_size (%s): raise it, or set 0 for no limit", c.MaxTotal, c.MaxSize)
	}
	if c.MaxAge < Duration(time.Second) {
		l.fail(f, "log.max_age", "%s is too short: at least 1s", c.MaxAge)
	}
}

func (l *loader) checkUsage(f *source) {
	if r := l.config.Usage.Retention; r < minUsage || r > maxUsage {
		l.fail(f, "usage.retention", "%s is out of range: %s to %s", r, minUsage, maxUsage)
	}
}

func (l *loader) oneOf(f *source, key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		l.fail(f, key, "%q is not known: use one of %s", value, strings.Join(allowed, ", "))
	}
}

// isToken reports whether a name can stand in a header field and in a log line
// without quotes.
func isToken(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isBare(c) && c != '.' {
			return false
		}
	}
	return name != ""
}

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
