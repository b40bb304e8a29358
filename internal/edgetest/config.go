package edgetest

import (
	"fmt"
	"strings"
)

// Config is what a test says about a node; everything else is chosen by Start. The
// file that is written holds only keys that operators are promised.
type Config struct {
	Sites     []Site
	RAM       string // default "64MiB"
	Disk      string // size of the disk tier, default "256MiB"; "none" for no disk
	DiskPath  string // default a directory of the node
	LogFormat string // default "json"
	LogDir    string // default a directory of the node
	StateDir  string // default a directory of the node
	Listen    string // address of the listeners without a port, default "127.0.0.1"
	StandIn   string // NAME=VALUE: the test's own binary with this environment runs instead of edged, and may panic
	LogExtra  string // more keys of the log, as they are
	Extra     string // more top-level tables, as they are
}

// Site is a [[site]] table.
type Site struct {
	Account string
	Host    string // or several, separated by spaces
	Origins []string
	Keys    []Key  // signing keys; with any, a token is required
	Extra   string // more keys and sub-tables of the site, as they are
}

// Key is a [[site.token.key]] table of type hmac-sha256.
type Key struct {
	ID     string
	Secret string // in hexadecimal
}

// places are where a node keeps things and listens.
type places struct{ http, https, admin, cert, key, disk, log, state string }

// toml writes the configuration file.
func (c *Config) toml(p places) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("[node]\nname = %q\nregion = %q\nstate = %q", "edge-test-01", "EU", p.state)
	line("[listen]\nhttp = [%q]\nhttps = [%q]\nadmin = %q", p.http, p.https, p.admin)
	line("[tls]\ncertificates = [{ cert = %q, key = %q }]", p.cert, p.key)
	line("[ram]\nsize = %q", or(c.RAM, "64MiB"))
	if c.Disk != "none" {
		line("[[disk]]\npath = %q\nsize = %q", p.disk, or(c.Disk, "256MiB"))
	}
	line("[log]\ndir = %q\nformat = %q\nlevel = %q", p.log, or(c.LogFormat, "json"), "info")
	line("%s", c.LogExtra)
	line("%s", c.Extra)
	for i := range c.Sites {
		c.Sites[i].toml(line)
	}
	return b.String()
}

func (s *Site) toml(line func(string, ...any)) {
	line("[[site]]\naccount = %q\nhosts = [%s]\norigins = [%s]", s.Account, quoted(strings.Fields(s.Host)), quoted(s.Origins))
	line("%s", s.Extra)
	if !strings.Contains(s.Extra, "[site.origin]") { // no fault of an origin on a machine that is slow
		line("[site.origin]\nconnect_timeout = %[1]q\nfirst_byte_timeout = %[1]q\nidle_timeout = %[1]q", Patience.String())
	}
	if len(s.Keys) == 0 {
		return
	}
	line("[site.token]\nrequired = true\nscheme = %q", "ect")
	for _, k := range s.Keys {
		line("[[site.token.key]]\nkid = %q\ntype = %q\nsecret_hex = %q", k.ID, "hmac-sha256", k.Secret)
	}
}

func quoted(list []string) string {
	var all []string
	for _, s := range list {
		all = append(all, fmt.Sprintf("%q", s))
	}
	return strings.Join(all, ", ")
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
