package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"edged/auth"
)

const verifyHelp = `
Verify says what the edge would say to a request for URL, and why: the first line
is "allow", or "deny" and the first rule that failed as it stands in logs and
metrics. Below are the canonical path that scopes are held against, what the token
says, and the bytes its signature is over, with <secret> where the secret goes.

Exit code 0 means allowed, 1 denied.

Examples:
  edgectl verify -config /etc/edged/edged.toml "https://acme.example.net/ect=…/vod/a.m3u8"
  edgectl verify -config edged.toml -at 2026-01-01T00:00:00Z -client 198.51.100.7 URL
  edgectl verify -config edged.toml -cookie "ect=…" URL
  edgectl verify -vectors vectors.json`

func verifyCommand() command {
	return command{
		name:    "verify",
		args:    "-config FILE [flags] URL",
		summary: "allow or deny a URL, with the reason",
		text:    verifyHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f verifyFlags
			f.bind(fs)
			return f.run
		},
	}
}

// verifyFlags are the flags of verify.
type verifyFlags struct {
	config, method, client, country, cookie string
	vectors                                 string
	headers                                 list
	at                                      moment
}

func (f *verifyFlags) bind(fs *flag.FlagSet) {
	fs.StringVar(&f.config, "config", "", "configuration `FILE` of edged (required)")
	fs.Var(&f.at, "at", "`TIME` of the request, RFC 3339 or Unix seconds (default now)")
	fs.StringVar(&f.client, "client", "", "`ADDRESS` of the client, for tokens bound to networks")
	fs.StringVar(&f.country, "country", "", "`CODE` of the client's country, for tokens bound to countries")
	fs.StringVar(&f.method, "method", "GET", "request `METHOD`")
	fs.Var(&f.headers, "header", "request header field `NAME:VALUE`, for tokens that are bound to some; may be given again")
	fs.StringVar(&f.vectors, "vectors", "", "run the test vectors in `FILE` instead of one URL; no -config")
	fs.StringVar(&f.cookie, "cookie", "", "Cookie header `VALUE` of the request")
}

func (f *verifyFlags) run(s streams, args []string) error {
	switch {
	case f.vectors != "" && len(args)+len(f.config) == 0:
		return verifyVectors(s, f.vectors)
	case f.vectors != "":
		return usagef("-vectors brings sites and requests of its own: no -config and no URL")
	case len(args) != 1:
		return usagef("give one URL, not %d", len(args))
	case f.config == "":
		return usagef("give -config FILE")
	}
	r := auth.Request{Method: []byte(f.method), Country: f.country, Now: f.at.orNow().Unix()}
	if f.client != "" {
		client, err := netip.ParseAddr(f.client)
		if err != nil {
			return usagef("-client %s: not an address", f.client)
		}
		r.Client = client
	}
	sites, err := loadSites(f.config)
	if err != nil {
		return err
	}
	o, err := f.ask(sites, args[0], &r)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		o.word, o.text = refused.word, refused.text
	case err != nil:
		return err
	}
	return o.print(s.out)
}

// opinion is what verify prints.
type opinion struct {
	word, text string // reason to deny, "" to allow
	host, path string
	site       *site
	carrier    auth.Carrier
	verdict    auth.Verdict
	trace      auth.Trace
	now        int64
}

// ask walks the steps of the edge: target, site, token, canonical path, verdict.
func (f *verifyFlags) ask(sites []site, url string, r *auth.Request) (o opinion, err error) {
	o.now = r.Now
	l, err := parseLink(url)
	if err != nil {
		return o, err
	}
	o.host = l.host
	where, ok := siteFor(sites, l.host)
	if !ok {
		return o, &refusal{"unknown_host", "no site serves this host; the edge answers 421"}
	}
	o.site = &where
	scheme, err := where.verifier()
	if err != nil {
		return o, err
	}
	r.Host, r.TLS, r.Trace = []byte(l.host), l.secure(), &o.trace
	in := auth.Input{Path: l.path, Query: l.query, Cookies: []byte(f.cookie), Fields: f.fields()}
	r.Fields = in.Fields
	step, err := walk(scheme, &in, r)
	o.carrier, o.path, o.verdict = step.carrier, string(step.canonical), step.verdict
	return o, err
}

// fields returns the header fields given by flags.
func (f *verifyFlags) fields() headerFields {
	var all headerFields
	for _, h := range f.headers {
		name, value, _ := strings.Cut(h, ":")
		all = append(all, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return all
}

// print writes the opinion and returns errDenied when it is against.
func (o *opinion) print(w io.Writer) error {
	if o.word == "" {
		fmt.Fprintln(w, "allow")
	} else {
		fmt.Fprintln(w, "deny", o.word)
		line(w, "why", o.text)
	}
	line(w, "path", o.path)
	if o.site != nil {
		line(w, "site", fmt.Sprintf("%s of account %s", o.host, o.site.account))
		line(w, "token", o.token())
	}
	for _, signed := range o.trace.Signed {
		line(w, "signed", fmt.Sprintf("%s: %s", signed.Scheme, printable(signed.Bytes)))
	}
	if o.verdict.Session != nil {
		line(w, "session", string(o.verdict.Session))
	}
	if o.word != "" {
		return errDenied
	}
	return nil
}

// token says in one line what is known of the token.
func (o *opinion) token() string {
	if !o.site.required {
		return "not required by this site"
	}
	words := []string{"none"}
	if o.carrier != auth.None {
		words = []string{"in " + o.carrier.String()}
	}
	if o.verdict.Key != "" {
		words = append(words, "key "+o.verdict.Key)
	}
	if end := o.verdict.Expires; end != 0 {
		left := time.Duration(end-o.now) * time.Second
		words = append(words, fmt.Sprintf("expires %s (%s)", time.Unix(end, 0).UTC().Format(time.RFC3339), fromNow(left)))
	}
	return strings.Join(words, ", ")
}

// printable quotes bytes that a terminal would not show as they are.
func printable(b []byte) string {
	quoted := strconv.Quote(string(b))
	return quoted[1 : len(quoted)-1]
}

func fromNow(left time.Duration) string {
	if left <= 0 {
		return (-left).String() + " ago"
	}
	return "in " + left.String()
}

func line(w io.Writer, name, value string) {
	if value != "" {
		fmt.Fprintf(w, "  %-8s %s\n", name, value)
	}
}
