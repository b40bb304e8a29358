package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"edged/internal/audit"
	"edged/internal/config"
	"edged/logfmt"
	"edged/logfmt/usage"
)

const privacyHelp = `
Privacy report lists everything that a node keeps or shows, for the record of personal
data: each field of each sink, what was done to it, and how long it stays. The fields of
the access log and of the usage ledger come from the tables that edged writes them
from, what is configured from the configuration.

Examples:
  edgectl privacy report
  edgectl privacy report -config /etc/edged/edged.toml -json > record.json`

func privacyCommand() command {
	return command{
		name: "privacy report", args: "[-config FILE] [-json]", summary: "what is kept of whom, how it is changed, and for how long", text: privacyHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			path := fs.String("config", defaultConfig, "configuration `FILE` of edged")
			asJSON := fs.Bool("json", false, "print JSON")
			return func(s streams, args []string) error {
				if len(args) != 0 {
					return usagef("what is %q for?", args[0])
				}
				c, err := config.Load(*path)
				if err != nil {
					return err
				}
				r := privacyOf(c)
				if *asJSON {
					e := json.NewEncoder(s.out)
					e.SetIndent("", "  ")
					return e.Encode(r)
				}
				return r.print(s.out)
			}
		},
	}
}

// privacyReport is the answer of privacy report.
type privacyReport struct {
	Schema int    `json:"schema"` // of this structure: 1
	Node   string `json:"node"`
	Region string `json:"region"`
	Sinks  []sink `json:"sinks"`
}

// sink is a place where something is kept or shown.
type sink struct {
	Name     string      `json:"name"`
	Where    string      `json:"where"`
	Lifetime string      `json:"lifetime"`
	Note     string      `json:"note,omitempty"`
	Fields   []sinkField `json:"fields"`
}

// sinkField is one field of a sink.
type sinkField struct {
	Name      string `json:"name"`
	Meaning   string `json:"meaning"`
	Transform string `json:"transform,omitempty"` // "" when it holds nothing of a person
	Lifetime  string `json:"lifetime,omitempty"`  // what ends it before the sink's does
}

func privacyOf(c *config.Config) *privacyReport {
	return &privacyReport{
		Schema: 1, Node: c.Node.Name, Region: c.Node.Region,
		Sinks: []sink{accessSink(c), ledgerSink(c), cacheSink(c), orderSink(c), auditSink(c), memorySink(), errorSink(), statusSink()},
	}
}

// accessSink is the access log. What becomes of addresses is said for the node and for
// every site that is stricter.
func accessSink(c *config.Config) sink {
	s := sink{Name: "access log", Where: c.Log.Dir, Lifetime: c.Log.Retention.String()}
	if c.Log.Dir == "" {
		s.Where, s.Lifetime, s.Note = "nowhere", "none", "it is turned off"
		return s
	}
	modes := []string{fmt.Sprintf("`address` is %q", c.Log.Address), fmt.Sprintf("`user_agent` is %q", c.Log.UserAgent)}
	for i := range c.Sites {
		site := &c.Sites[i]
		if a := site.Log.Address; a != "" && a != c.Log.Address {
			modes = append(modes, fmt.Sprintf("%q for site %s of account %s", a, site.Name, site.Account))
		}
		if a := site.Log.UserAgent; a != "" && a != c.Log.UserAgent {
			modes = append(modes, fmt.Sprintf("`user_agent` is %q for site %s of account %s", a, site.Name, site.Account))
		}
		if len(site.Log.Query) > 0 {
			modes = append(modes, fmt.Sprintf("site %s logs the parameters %s", site.Name, strings.Join(site.Log.Query, ", ")))
		}
	}
	if c.Log.KAnonymity > 0 {
		modes = append(modes, fmt.Sprintf("what fewer than %d viewers share is made coarser when a file is closed: "+
			"until then, for %s at most, the open .part is struck but not coarse", c.Log.KAnonymity, c.Log.MaxAge))
	}
	s.Note = strings.Join(modes, "; ") + "; pseudonym keys live for a " + c.Log.PseudonymKey
	if u, err := url.Parse(c.Log.Ship.URL); err == nil && u.Host != "" {
		s.Note += "; closed files are pushed to " + u.Host
	}
	for _, f := range logfmt.Fields() {
		s.Fields = append(s.Fields, sinkField{f.JSON, f.Meaning, f.Transform, f.Lifetime})
	}
	return s
}

func ledgerSink(c *config.Config) sink {
	s := sink{Name: "usage ledger", Where: c.StateDir(), Lifetime: c.Usage.Retention.String(), Note: "sums by the hour; nothing of a viewer"}
	if s.Where == "" {
		s.Where = "nowhere"
	}
	for _, f := range usage.Fields() {
		s.Fields = append(s.Fields, sinkField{Name: f.Name, Meaning: f.Meaning})
	}
	return s
}

func cacheSink(c *config.Config) sink {
	var places []string
	for i := range c.Disks {
		places = append(places, fmt.Sprintf("%s (encryption %s)", c.Disks[i].Path, orDash(c.Disks[i].Encrypt)))
	}
	return sink{
		Name: "cache", Where: strings.Join(append([]string{"memory"}, places...), ", "), Lifetime: "until it is evicted or purged",
		Note: "responses of origins, as they are; nothing of a request but the variant it selected",
		Fields: []sinkField{
			{"key", "account, site, canonical path, parameters that count", "the token is cut out", ""},
			{"header, body", "what the origin sent", "Set-Cookie is dropped unless `site.cookies` is \"keep\"", ""},
		},
	}
}

// orderSink is what operators ordered and what must survive a restart.
func orderSink(c *config.Config) sink {
	where := []string{orDash(c.StateDir())}
	for i := range c.Disks {
		where = append(where, c.Disks[i].Path)
	}
	return sink{
		Name: "revocations and purges", Where: strings.Join(where, ", "), Lifetime: "until what they could concern is gone",
		Fields: []sinkField{
			{"revocation", "account, token or session that is no longer accepted", "digests of tokens and session ids", "until every token it could concern has expired"},
			{"purge", "account, site, path, prefix or surrogate key", "digests", "until nothing is stored that is older"},
		},
	}
}

// auditSink is the record of what operators ordered.
func auditSink(c *config.Config) sink {
	return sink{
		Name: "record of orders", Where: orDash(c.StateDir()), Lifetime: fmt.Sprintf("%d days, and %d MiB", audit.Retention/(24*time.Hour), audit.MaxSize>>20),
		Note: "of operators and customers; nothing of a viewer",
		Fields: []sinkField{
			{"who", "user of this machine and process, or that it was a signal", "no address", ""},
			{"order, outcome, time", "what was ordered, and what became of it", "", ""},
			{"account, details", "account and site, ids of keys and orders, numbers", "no path, token or session", ""},
		},
	}
}

// memorySink is what the process knows while it serves.
func memorySink() sink {
	return sink{
		Name: "memory of the process", Where: "RAM; core dumps are off", Lifetime: "until the process ends",
		Fields: []sinkField{
			{"connection", "peer address, request, token", "", "the connection; the token the request"},
			{"signatures", "hashes of verified tokens", "SHA-256", "until they are evicted"},
			{"sessions", "requests under way of a token session", "hash", "the requests"},
			{"pseudonym key", "key of pseudonyms and session hashes", "random", "an hour or a day"},
		},
	}
}

func errorSink() sink {
	return sink{
		Name: "error log", Where: "standard error, as a rule the journal", Lifetime: "as the journal keeps it",
		Note:   "no address, target, token, query, cookie, agent or referrer in any mode; of a panic or crash functions, files and lines, no values",
		Fields: []sinkField{{"message", "what happened to the node, its parts and its origins", "nothing of a request is in it", ""}},
	}
}

func statusSink() sink {
	return sink{
		Name: "status page, JSON, metrics", Where: "the admin listener", Lifetime: "until the process ends",
		Note:   "counts by account and site",
		Fields: []sinkField{{"counters", "sums", "nothing of a request is in them", ""}},
	}
}

func (r *privacyReport) print(w io.Writer) error {
	fmt.Fprintf(w, "%s (%s): what is kept and shown\n", r.Node, r.Region)
	for i := range r.Sinks {
		s := &r.Sinks[i]
		fmt.Fprintf(w, "\n%s\n  where:    %s\n  lifetime: %s\n", s.Name, s.Where, s.Lifetime)
		if s.Note != "" {
			fmt.Fprintf(w, "  note:     %s\n", s.Note)
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, f := range s.Fields {
			fmt.Fprintf(t, "    %s\t%s\t%s\t%s\n", f.Name, f.Meaning, orDash(f.Transform), orDash(f.Lifetime))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}
