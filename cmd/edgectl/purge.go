package main

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const purgeHelp = `
Purge makes a running node forget what it has stored, or, with -soft, validate it
with the origin before it is served again. When the command ends with exit code 0,
nothing that was fetched before is served any more, also not after a crash. It does
not matter how much that is: storage is freed later.

What to purge, any number of each; what has a host needs no account:
  -url URL          with its query, in all its variants and codings
  -prefix URL       every path that begins like this, also within a segment: /a/b
                    is /a/b, /a/bc and /a/b/c. No query
  -key KEY          what the origin tagged with this surrogate key (Surrogate-Key,
                    Cache-Tag); needs -account
  -account A        alone: all of the account
  -account A -site S  alone: all of the site; with paths instead of URLs: those
  -all              everything of all accounts

Each purge has a number, later ones higher ones. The same order with the same -id is
one purge, so it can be repeated when the answer was lost.

Examples:
  edgectl purge -url https://vod.acme.example/film/4711/master.m3u8
  edgectl purge -prefix https://vod.acme.example/film/4711/
  edgectl purge -account acme -key film-4711 -soft
  edgectl purge -account acme -site vod -prefix /film/4711/`

func purgeCommand() command {
	return command{
		name:    "purge",
		args:    "[-admin ADDRESS | -config FILE] (-url URL | -prefix URL | -key KEY | -account A | -all) …",
		summary: "make a running node forget, or validate, what it has stored",
		text:    purgeHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f purgeFlags
			f.bind(fs)
			return f.run
		},
	}
}

// purgeFlags are the flags of purge.
type purgeFlags struct {
	nodeFlags
	json  bool
	order purgeOrder
}

// purgeOrder is what the node is asked for.
type purgeOrder struct {
	URLs     list   `json:"urls,omitempty"`
	Prefixes list   `json:"prefixes,omitempty"`
	Keys     list   `json:"keys,omitempty"`
	Account  string `json:"account,omitempty"`
	Site     string `json:"site,omitempty"`
	All      bool   `json:"all,omitempty"`
	Soft     bool   `json:"soft,omitempty"`
	ID       string `json:"id,omitempty"`
}

func (f *purgeFlags) bind(fs *flag.FlagSet) {
	f.nodeFlags.bind(fs)
	o := &f.order
	fs.Var(&o.URLs, "url", "a `URL` to purge; may be given several times, as the next two")
	fs.Var(&o.Prefixes, "prefix", "the beginning of `URL`s to purge")
	fs.Var(&o.Keys, "key", "a surrogate `KEY` to purge")
	fs.Var(&o.Keys, "surrogate", "the same as -key `KEY`")
	fs.StringVar(&o.Account, "account", "", "the `ACCOUNT` to purge, or that the names are of")
	fs.StringVar(&o.Site, "site", "", "the `SITE` of the account to purge, or that the paths are of")
	fs.BoolVar(&o.All, "all", false, "purge everything of all accounts")
	fs.BoolVar(&o.Soft, "soft", false, "validate before it is served again, instead of forgetting it")
	fs.StringVar(&o.ID, "id", "", "an `ID` of this order: repeated with the same one it is the same purge")
	fs.BoolVar(&f.json, "json", false, "print the JSON of the node as it is")
}

// check refuses what is most likely a variable that was empty.
func (o *purgeOrder) check(args []string) error {
	if len(args) != 0 {
		return usagef("what is %q for? Names stand behind -url, -prefix or -key", args[0])
	}
	for flag, names := range map[string]list{"-url": o.URLs, "-prefix": o.Prefixes, "-key": o.Keys} {
		for _, name := range names {
			if name == "" {
				return usagef("%s is empty", flag)
			}
		}
	}
	if len(o.URLs)+len(o.Prefixes)+len(o.Keys) == 0 && o.Account == "" && !o.All {
		return usagef("what is to be purged? Give -url, -prefix, -key, -account or -all")
	}
	return nil
}

func (f *purgeFlags) run(s streams, args []string) error {
	if err := f.order.check(args); err != nil {
		return err
	}
	n, err := f.node()
	if err != nil {
		return err
	}
	n.client.Timeout = purgeTimeout
	var answer struct {
		Number   uint64
		Rules    int
		Soft     bool
		Repeated bool
		Known    bool
		Accounts []string
	}
	raw, err := n.order(http.MethodPost, "/api/v1/purge", &f.order, &answer)
	if err != nil {
		return err
	}
	if f.json {
		_, err = s.out.Write(raw)
		return err
	}
	fmt.Fprintf(s.out, "purge %d%s\n", answer.Number, map[bool]string{true: ": was carried out before"}[answer.Repeated])
	if !answer.Known {
		fmt.Fprintf(s.err, "edgectl purge: the node has no site of account %s: is the name right?\n", strings.Join(answer.Accounts, ", "))
	}
	return nil
}

// purgeTimeout is how long a node may take: a slow disk has to note the purge.
const purgeTimeout = 30 * time.Second
