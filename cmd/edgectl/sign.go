package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"edged/auth"
	"edged/internal/target"
)

const signHelp = `
Sign prints URL with a token in it that opens the directory of its path for a
while. The token is checked as the edge would check it before it is printed.

The scheme of the URL's site decides how. For edgeauth, cloudfront, cdni and cat the
flags mean what they mean for ect. For the others the first active key signs, the
file alone is opened unless bunny or media-cdn get a -scope, and vdox needs account
and file in the URL.

With a shared secret in the configuration nothing more is needed. Edges hold only
the public half of other keys: give the private one with -private-key. With that and
-kid, ect needs no configuration either.

Examples:
  edgectl sign -config /etc/edged/edged.toml -account acme -for 4h \
      https://acme.example.net/vod/movie42/master.m3u8
  edgectl sign -config edged.toml -for 10m -carrier query -ip 198.51.100.0/24 URL
  edgectl sign -private-key acme.pem -kid acme-26e -for 4h -scope /vod/ URL`

func signCommand() command {
	return command{
		name:    "sign",
		args:    "-config FILE -account A -for DURATION [flags] URL",
		summary: "print a URL with a token in it",
		text:    signHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f signFlags
			f.bind(fs)
			return f.run
		},
	}
}

// signFlags are the flags of sign.
type signFlags struct {
	config, account, kid, private, carrier, session string
	client                                          string
	life                                            time.Duration
	scopes, networks                                list
	at                                              moment
}

func (f *signFlags) bind(fs *flag.FlagSet) {
	fs.StringVar(&f.config, "config", "", "configuration `FILE` of edged")
	fs.StringVar(&f.account, "account", "", "`ACCOUNT` that must own the site of the URL's host;\nnot checked when left out")
	fs.DurationVar(&f.life, "for", 0, "`DURATION` the token is valid, like 90s, 30m or 4h (required)")
	fs.StringVar(&f.carrier, "carrier", "", "`PLACE` where the token travels: path, query or cookie;\ncookie prints a Set-Cookie and a Cookie line.\nPath for ect, query for other schemes when left out")
	fs.Var(&f.scopes, "scope", "decoded `PATH` the token opens; a directory ends in /.\nUp to 4 times; the directory of the URL's path when left out")
	fs.Var(&f.networks, "ip", "client `NETWORK` in CIDR form, up to 4 times; any client when left out")
	fs.StringVar(&f.client, "client", "", "`ADDRESS` of the client, for schemes other than ect that sign it")
	fs.StringVar(&f.session, "sid", "", "opaque session `ID`, for logs and revocation; no user data")
	fs.StringVar(&f.kid, "kid", "", "`ID` of the signing key; the site's first active one when left out")
	fs.StringVar(&f.private, "private-key", "", "private key `FILE` in PEM; of Ed25519 the seed in hex will do")
	fs.Var(&f.at, "at", "`TIME` of issue, RFC 3339 or Unix seconds (default now)")
}

func (f *signFlags) run(s streams, args []string) error {
	carrier, err := f.check(args)
	if err != nil {
		return err
	}
	l, err := parseLink(args[0])
	if err != nil {
		return fmt.Errorf("URL %s: %w", args[0], err)
	}
	where, err := f.site(l.host)
	if err != nil {
		return err
	}
	if where != nil && mints(where.scheme) {
		return f.signScheme(s, where, &l)
	}
	if where != nil && where.scheme != "ect" {
		return f.signLink(s, where, &l)
	}
	pen, err := f.pen(where)
	if err != nil {
		return err
	}
	claims, err := f.claims(&l)
	if err != nil {
		return err
	}
	token, err := pen.mint(claims)
	if err != nil {
		return err
	}
	if err := f.proofread(&l, pen, token, claims); err != nil {
		return err
	}
	if slices.Contains(claims.Scopes, "/") {
		fmt.Fprintln(s.err, "edgectl sign: note: scope / opens everything of the account; narrow it with -scope")
	}
	if carrier == auth.Cookie {
		printCookie(s, token, claims, f.life)
		return nil
	}
	fmt.Fprintln(s.out, l.with(token, carrier))
	return nil
}

// check refuses what cannot work, whatever the configuration says.
func (f *signFlags) check(args []string) (auth.Carrier, error) {
	switch {
	case len(args) != 1:
		return 0, usagef("give one URL, not %d", len(args))
	case f.life < time.Second:
		return 0, usagef("give -for with at least 1s")
	case f.config == "" && (f.private == "" || f.kid == ""):
		return 0, usagef("give -config FILE, or both -private-key and -kid")
	}
	if f.carrier == "" {
		return auth.Path, nil
	}
	for c := auth.Path; c <= auth.Cookie; c++ {
		if f.carrier == c.String() {
			return c, nil
		}
	}
	return 0, usagef("-carrier %q: use path, query or cookie", f.carrier)
}

// site finds the site that shall accept the token, nil without a configuration.
func (f *signFlags) site(host string) (*site, error) {
	if f.config == "" {
		return nil, nil //nolint:nilnil // none is a choice
	}
	sites, err := loadSites(f.config)
	if err != nil {
		return nil, err
	}
	where, ok := siteFor(sites, host)
	if !ok {
		return nil, fmt.Errorf("no site in %s serves host %s", f.config, host)
	}
	if f.account != "" && f.account != where.account {
		return nil, fmt.Errorf("host %s belongs to account %s, not %s", host, where.account, f.account)
	}
	return &where, nil
}

// pen finds the key to sign an ect token with.
func (f *signFlags) pen(where *site) (*pen, error) {
	switch {
	case where == nil:
		return looseKey(f.private, f.kid, f.account, f.life)
	case f.private != "":
		return privateKey(where, f.private, f.kid)
	}
	return secretKey(where, f.kid)
}

func (f *signFlags) claims(l *link) (auth.Claims, error) {
	at := f.at.orNow()
	c := auth.Claims{
		Expires:  at.Add(f.life).Unix(),
		IssuedAt: at.Unix(),
		Scopes:   f.scopes,
		Session:  f.session,
	}
	for _, n := range f.networks {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			return c, usagef("-ip %s: use a network like 198.51.100.0/24 or 2001:db8::/56", n)
		}
		c.Addresses = append(c.Addresses, p)
	}
	for _, scope := range c.Scopes {
		if err := checkScope(scope); err != nil {
			return c, err
		}
	}
	if len(c.Scopes) == 0 {
		whole, err := canonical(l.path)
		if err != nil {
			return c, err
		}
		c.Scopes = []string{directory(string(whole))}
	}
	return c, nil
}

// checkScope refuses a scope that no canonical path can ever match.
func checkScope(scope string) error {
	if !strings.HasPrefix(scope, "/") {
		return usagef("-scope %q: a scope begins with /", scope)
	}
	if _, _, why := target.Canonical(target.AppendEncoded(nil, []byte(scope)), nil); why != target.OK {
		return usagef("-scope %q: %s; give the decoded path", scope, why)
	}
	return nil
}

// proofreader returns what the edge verifies tokens of the site with, for a URL that has
// none yet.
func proofreader(where *site, l *link, scratch *auth.Scratch) (auth.Scheme, error) {
	strict := *where
	strict.required = true // else the site would take anything
	scheme, err := strict.verifier()
	if err != nil {
		return nil, err
	}
	if f, _ := scheme.Find(&auth.Input{Path: l.path, Query: l.query}, scratch); f.Carrier != auth.None {
		return nil, errors.New("the URL has a token already")
	}
	return scheme, nil
}

// proofread asks the verifier of the edge about the token, so that no URL is
// printed that the edge would refuse.
func (f *signFlags) proofread(l *link, p *pen, token string, c auth.Claims) error {
	var scratch auth.Scratch
	scheme, err := proofreader(&p.site, l, &scratch)
	if err != nil {
		return err
	}
	whole, err := canonical(l.path)
	if err != nil {
		return err
	}
	found, _ := scheme.Find(&auth.Input{Path: l.path, Cookies: []byte("ect=" + token)}, &scratch)
	r := auth.Request{Method: []byte("GET"), Host: []byte(l.host), Path: whole, Now: c.IssuedAt}
	if len(c.Addresses) > 0 {
		r.Client = c.Addresses[0].Addr()
	}
	if v := scheme.Verify(&found, &r); v.Reason != auth.Allowed {
		return fmt.Errorf("the edge would refuse this token: %s: %s", v.Reason, v.Reason.Text())
	}
	return nil
}
