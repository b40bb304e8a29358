package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"edged/internal/config"
	"edged/logfmt"
)

const eraseHelp = `
Erase removes what a node has of an account, when its contract ends, and says what was
removed: its content from the cache, its rows from the usage ledger, its orders from the
list of revocations, its records from the log files. The node must run, and this command
on its machine. Write the last invoice first.

Take the account's sites out of the configuration and reload before: what they are
asked for later is stored, counted and logged again, and revocations stay as long as
there is a site that would take the tokens. Log files that were collected are
elsewhere: edgectl log erase removes records there.

What stays, and until when, is in the output: the content is out of reach at once, but on
a disk its bytes stay until others are written over them, and the log of purges has a
digest of the account's name until nothing older is stored. The account's name stands in
the record of orders and in the journal of the system, which note who ordered this.

Examples:
  edgectl erase -account acme -yes`

func eraseCommand() command {
	return command{
		name: "erase", args: "[-config FILE] -account A -yes", summary: "remove all that a node has of an account", text: eraseHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f eraseFlags
			f.bind(fs)
			fs.StringVar(&f.account, "account", "", "the `ACCOUNT` to remove")
			fs.StringVar(&f.logs, "logs", "", "the `DIR`ectory of log files (default: log.dir of the configuration)")
			fs.BoolVar(&f.yes, "yes", false, "do it")
			return f.run
		},
	}
}

// eraseFlags are the flags of erase.
type eraseFlags struct {
	nodeFlags
	account, logs string
	yes           bool
}

// eraseOrder is what the node is asked for.
type eraseOrder struct {
	Account string `json:"account"`
}

func (f *eraseFlags) run(s streams, args []string) error {
	switch {
	case len(args) != 0:
		return usagef("what is %q for?", args[0])
	case f.account == "":
		return usagef("whose? Give -account")
	case !f.yes:
		return usagef("it cannot be brought back: say -yes")
	}
	n, err := f.node()
	if err != nil {
		return err
	}
	logs, err := f.logDir()
	if err != nil {
		return err
	}
	n.client.Timeout = purgeTimeout
	var purged struct{ Number uint64 }
	if _, err := n.order(http.MethodPost, "/api/v1/purge", &purgeOrder{Account: f.account}, &purged); err != nil {
		return fmt.Errorf("content: %w", err)
	}
	fmt.Fprintf(s.out, "content: purged, number %d\n", purged.Number)
	var erased erasedAnswer
	if _, err := n.order(http.MethodPost, "/api/v1/erase", &eraseOrder{f.account}, &erased); err != nil {
		return fmt.Errorf("usage ledger: %w", err)
	}
	erased.print(s.out)
	if err := f.eraseLogs(s, logs); err != nil {
		return err
	}
	fmt.Fprint(s.out, whatStays)
	return nil
}

// erasedAnswer is what the node says that it removed.
type erasedAnswer struct {
	Rows, Revocations int
	Configured        bool
}

func (e *erasedAnswer) print(w io.Writer) {
	fmt.Fprintf(w, "usage ledger: %d rows removed\n", e.Rows)
	if e.Configured {
		fmt.Fprintln(w, "revocations: kept, the account has sites: take them out of the configuration, reload, and repeat this")
		return
	}
	fmt.Fprintf(w, "revocations: %d removed\n", e.Revocations)
}

// whatStays is what erase cannot remove at once.
const whatStays = `stays: on disks the bytes of the content, out of reach, until others are written over them (edgectl wipe destroys them);
stays: in the log of purges a digest of the account's name, until nothing is stored that is older than this purge;
stays: the account's name in the record of orders (edgectl audit) for 400 days, and in the journal of the system as long as that keeps it
`

func (f *eraseFlags) logDir() (string, error) {
	if f.logs != "" {
		return f.logs, nil
	}
	c, err := config.Load(f.config)
	if err != nil {
		return "", fmt.Errorf("where are the log files? Give -logs DIR, or a configuration: %w", err)
	}
	return c.Log.Dir, nil
}

// eraseLogs takes the account's records out of the closed files: the node has closed
// the one that it wrote.
func (f *eraseFlags) eraseLogs(s streams, dir string) error {
	if dir == "" {
		return nil
	}
	files, err := logfmt.FilesOf([]string{dir})
	if err != nil {
		return err
	}
	edit := without(func(r *logfmt.Record) bool { return r.Account == f.account })
	var failed error
	removed, changed := int64(0), 0
	for _, name := range files {
		if strings.HasSuffix(name, ".part") {
			continue // was begun after the account was erased
		}
		did, err := rewriteWhenFree(name, edit)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if did.Removed > 0 {
			removed, changed = removed+did.Removed, changed+1
		}
	}
	fmt.Fprintf(s.out, "access log: %d records removed from %d files\n", removed, changed)
	return failed
}

// rewriteWhenFree waits for a file that the node is about to describe or compress.
func rewriteWhenFree(name string, edit logfmt.Edit) (*logfmt.Rewritten, error) {
	const wait, step = 30 * time.Second, 100 * time.Millisecond
	for tried := time.Duration(0); ; tried += step {
		did, err := logfmt.RewriteFile(name, logfmt.Inherit, edit)
		if !errors.Is(err, logfmt.ErrOpen) || tried >= wait {
			return did, err
		}
		time.Sleep(step)
	}
}
