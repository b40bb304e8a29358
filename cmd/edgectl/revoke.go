package main

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"time"

	"edged/auth"
)

const revokeHelp = `
Revoke withdraws tokens before they expire, on the node it speaks to. It is in force
when the command ends with exit code 0, also after a crash of the node.

What to withdraw, one of:
  -url URL          the token in this URL, of any scheme. It is looked for as the
                    edge does, so the configuration is needed, and must be good
  -session SID      every token of this session (sid); with two stages this is what
                    ends a viewer's playback
  -key KID          all that this key signed, for ever. Better take the key out of
                    the configuration when there is time
  -before TIME      what was issued earlier, of the account, or with -key of the key.
                    A token that does not say when it was issued counts as older

A withdrawn token is forgotten when no token can be good any more, which is after
max_lifetime of the account's sites; -until TIME changes that. -lift takes an order
back.

Examples:
  edgectl revoke -account acme -session 4711-ab
  edgectl revoke -account acme -before 2026-11-22T04:00:00Z
  edgectl revoke -config /etc/edged/edged.toml -url "https://acme.example.net/ect=…/vod/a.m3u8"`

func revokeCommand() command {
	return command{
		name:    "revoke",
		args:    "[-admin ADDRESS | -config FILE] (-url URL | -account A (-session SID | -key KID | -before TIME))",
		summary: "withdraw tokens before they expire",
		text:    revokeHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f revokeFlags
			f.bind(fs)
			return f.run
		},
	}
}

// revokeFlags are the flags of revoke.
type revokeFlags struct {
	nodeFlags
	json                       bool
	lift                       bool
	url, account, session, key string
	before, until              moment
}

// revokeOrder is what the node is asked for.
type revokeOrder struct {
	Account string    `json:"account"`
	Digest  string    `json:"digest,omitempty"`
	Session string    `json:"session,omitempty"`
	Key     string    `json:"key,omitempty"`
	Before  time.Time `json:"before,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Lift    bool      `json:"lift,omitempty"`
}

func (f *revokeFlags) bind(fs *flag.FlagSet) {
	f.nodeFlags.bind(fs)
	fs.StringVar(&f.url, "url", "", "a `URL` with the token to withdraw")
	fs.StringVar(&f.account, "account", "", "the `ACCOUNT` whose tokens they are")
	fs.StringVar(&f.session, "session", "", "the session (`SID`) to withdraw")
	fs.StringVar(&f.key, "key", "", "the id (`KID`) of the key to withdraw")
	fs.Var(&f.before, "before", "withdraw what was issued before `TIME`, RFC 3339 or Unix seconds")
	fs.Var(&f.until, "until", "`TIME` after which the order may be forgotten")
	fs.BoolVar(&f.lift, "lift", false, "take back an order for the same token, session, key or account")
	fs.BoolVar(&f.json, "json", false, "print the JSON of the node as it is")
}

// order checks the flags and makes the order.
func (f *revokeFlags) order(args []string) (*revokeOrder, error) {
	o := &revokeOrder{Account: f.account, Session: f.session, Key: f.key, Before: f.before.Time, Until: f.until.Time, Lift: f.lift}
	if len(args) != 0 {
		return nil, usagef("what is %q for? A URL stands behind -url", args[0])
	}
	if f.url != "" {
		if f.session+f.key != "" || !f.before.IsZero() {
			return nil, usagef("-url names a token: no -session, -key or -before beside it")
		}
		return o, f.find(o)
	}
	switch {
	case f.account == "":
		return nil, usagef("give -account, or -url")
	case f.session == "" && f.key == "" && f.before.IsZero():
		return nil, usagef("what is to be withdrawn? Give -session, -key or -before")
	}
	return o, nil
}

// find looks for the token in the URL as the edge does, and notes what stands for it.
func (f *revokeFlags) find(o *revokeOrder) error {
	sites, err := loadSites(f.config)
	if err != nil {
		return err
	}
	l, err := parseLink(f.url)
	if err != nil {
		return err
	}
	where, ok := siteFor(sites, l.host)
	if !ok {
		return fmt.Errorf("no site of %s serves the host %s", f.config, l.host)
	}
	var seen witness
	where.options.Revocations = &seen
	scheme, err := where.verifier()
	if err != nil {
		return err
	}
	r := auth.Request{Method: []byte("GET"), Host: []byte(l.host), TLS: l.secure(), Now: time.Now().Unix()}
	_, err = walk(scheme, &auth.Input{Path: l.path, Query: l.query}, &r)
	switch {
	case seen.digest != "":
		o.Account, o.Digest = where.account, seen.digest
		return nil
	case err != nil:
		return fmt.Errorf("the token is refused already: %w", err)
	}
	return fmt.Errorf("%s needs no token", where.describe())
}

// witness is a list of revocations that notes what stands for the token it is
// asked about, and withdraws nothing.
type witness struct{ digest string }

// Revoked implements auth.Revocations.
func (w *witness) Revoked(_ string, _ []byte, hash *[sha256.Size]byte, _ int64) bool {
	w.digest = hex.EncodeToString(hash[:])
	return false
}

func (f *revokeFlags) run(s streams, args []string) error {
	o, err := f.order(args)
	if err != nil {
		return err
	}
	n, err := f.node()
	if err != nil {
		return err
	}
	var answer struct {
		Number  uint64
		Until   time.Time
		Durable bool
	}
	raw, err := n.order(http.MethodPost, "/api/v1/revoke", o, &answer)
	if err != nil {
		return err
	}
	if f.json {
		_, err = s.out.Write(raw)
		return err
	}
	fmt.Fprintf(s.out, "revocation %d", answer.Number)
	if !answer.Until.IsZero() && !o.Lift {
		fmt.Fprintf(s.out, " until %s", answer.Until.UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(s.out)
	if !answer.Durable {
		fmt.Fprintln(s.err, "edgectl revoke: the node has no state directory: a restart forgets this; set node.state")
	}
	return nil
}
