package admin

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"time"

	"edged/cache"
	"edged/cache/disk"
	"edged/internal/audit"
	"edged/internal/edge"
	"edged/internal/revoke"
	"edged/internal/server"
	"edged/logfmt"
	"edged/logfmt/ship"
	"edged/logfmt/usage"
)

// Sources return the counters of the running parts. Each may be called at any time
// and by several goroutines; what is nil is shown as absent.
type Sources struct {
	Edge         func() edge.Stats
	Cache        func() cache.Stats
	Disks        func() []disk.Stats
	Log          func() logfmt.Stats // nil when the access log is turned off
	Ledger       func() usage.Stats  // nil without a usage ledger
	Ship         func() ship.Stats   // nil when log files are not pushed
	Server       func() server.Stats
	Certificates func() []*x509.Certificate // what HTTPS listeners offer
}

// Options configure a [Server]. Zero values mean the default in brackets.
type Options struct {
	Node, Region, Version string

	// Address is where the listener is: a request whose Host is neither this nor
	// loopback is refused. Behind a unix socket ("/…") any Host will do.
	Address string

	// DiskPaths are the configured disks: one that Sources.Disks lacks is reported
	// as unusable.
	DiskPaths []string

	Sources Sources

	// Drain is called when an operator orders the drain. It must not block, and
	// may be called more than once. nil: the order is refused.
	Drain func()

	// Purge carries out an order to purge; nil: it is refused.
	Purge func(*edge.PurgeOrder) (edge.PurgeResult, error)

	// Usage answers from the ledger; nil: there is none.
	Usage func(*usage.Query) (*usage.Report, error)
	// Revocations take orders to withdraw tokens; nil: they are refused.
	Revocations *revoke.List
	// TokenLife is how long a token of an account can be good from now on; nil: 90 days.
	TokenLife func(account string) time.Duration

	// Erase removes an account from the ledger and the list of revocations; nil: there is
	// no ledger.
	Erase func(account string) (Erased, error)

	// Audit is the record of orders; nil: there is none.
	Audit *audit.Log

	Now func() time.Time // [time.Now]
	Log *slog.Logger     // orders and faults of ours [discarded]
}

// Erased is what was removed of an account.
type Erased struct {
	Rows        int `json:"rows"`        // of the usage ledger
	Revocations int `json:"revocations"` // orders in force
	// Configured says that the account has sites: its revocations stay, for its tokens
	// would be good again.
	Configured bool `json:"configured"`
}

// errNoEdge is a broken construction, not a state that can arise later.
var errNoEdge = errors.New("admin: Options.Sources.Edge is required")

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
