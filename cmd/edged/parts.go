package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"edged/auth"
	"edged/cache"
	"edged/cache/disk"
	"edged/cache/ram"
	"edged/internal/admin"
	"edged/internal/audit"
	"edged/internal/config"
	"edged/internal/edge"
	"edged/internal/revoke"
	"edged/internal/server"
	"edged/logfmt"
	"edged/logfmt/ship"
	"edged/logfmt/usage"
)

// verifiedTokens is how many checked Ed25519 signatures the process remembers.
const verifiedTokens = 1 << 17

// parts are what a running daemon consists of, in the order in which they are
// built. They are closed in the opposite order.
type parts struct {
	log        *slog.Logger
	signatures *auth.Signatures
	revoked    *revoke.List
	ram        *ram.Tier
	disks      *disk.Set
	cache      *cache.Cache
	access     *logfmt.Writer
	edge       *edge.Edge
	ledger     *usage.Ledger // nil without a place for it
	shipper    *ship.Shipper // nil when no log files are pushed
	server     *server.Server
	accounts   atomic.Pointer[map[string]bool]     // those that have sites
	leaves     atomic.Pointer[[]*x509.Certificate] // what HTTPS listeners offer
	admin      *admin.Server                       // nil without an admin listener
	audit      *audit.Log                          // nil without a place for it
}

// build makes the parts of a configuration. What it built before an error it
// closes again.
func build(c *config.Config, log *slog.Logger) (p *parts, err error) {
	p = &parts{log: log}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.signatures, err = auth.NewSignatures(verifiedTokens); err != nil {
		return p, err
	}
	if p.revoked, err = openRevocations(c, log); err != nil {
		return p, err
	}
	if dir := c.StateDir(); dir != "" {
		p.audit = audit.New(filepath.Join(dir, config.AuditName))
	}
	if p.ram, err = ram.New(ramOptions(c, log)); err != nil {
		return p, err
	}
	p.disks = openDisks(c.Disks, log)
	p.cache = cache.New(cache.Options{RAM: p.ram, Disks: p.disks, Seq: lastSeq(p.disks), Log: log})
	p.notePurges(c.Disks)
	if p.access, err = openLog(c, log); err != nil {
		return p, err
	}
	if err = p.openShipper(c); err != nil {
		return p, err
	}
	options := edge.Options{Cache: p.cache, Error: log}
	if p.access != nil {
		options.Log = p.access
	}
	p.edge = edge.New(options)
	p.openLedger(c)
	if err = p.setSites(c); err != nil {
		return p, err
	}
	certificates, err := loadCertificates(c)
	if err != nil {
		return p, err
	}
	p.offer(certificates)
	p.server, err = server.New(server.Options{
		Handler: p.edge, Certificates: certificates, MaxConns: c.Listen.MaxConnections, Log: log,
	})
	return p, err
}

// openRevocations reads what was withdrawn, from the state directory, which it makes
// if need be.
func openRevocations(c *config.Config, log *slog.Logger) (*revoke.List, error) {
	o := revoke.Options{Log: log}
	if dir := c.StateDir(); dir != "" {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("node.state: %w", err)
		}
		o.Path = filepath.Join(dir, "revocations.log")
	}
	return revoke.Open(o)
}

// tokenLife returns how long a token of an account can be good from now on.
func tokenLife(c *config.Config) func(account string) time.Duration {
	const leeway = time.Hour
	return func(account string) time.Duration {
		life := auth.DefaultMaxLifetime
		for i := range c.Sites {
			if c.Sites[i].Account == account {
				life = max(life, time.Duration(c.Sites[i].Token.MaxLifetime))
			}
		}
		return life + leeway
	}
}

func ramOptions(c *config.Config, log *slog.Logger) ram.Options {
	return ram.Options{Size: int64(c.RAM.Size), HugePages: c.RAM.HugePages, Prefault: c.RAM.Prefault, Log: log}
}

// floors lists what each account keeps of the memory, in bytes, those that keep
// something first: only so many can be told apart.
func floors(c *config.Config) []cache.Floor {
	bytes := map[string]int64{}
	for i := range c.Sites {
		bytes[c.Sites[i].Account] += int64(c.Sites[i].RAMFloor.Of(c.RAM.Size))
	}
	list := make([]cache.Floor, 0, len(bytes))
	for account, floor := range bytes {
		list = append(list, cache.Floor{Account: account, Bytes: floor})
	}
	slices.SortFunc(list, func(a, b cache.Floor) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Account, b.Account))
	})
	return list
}

// openWait is how long a start waits for disks: one that was not closed in order may
// take longer, and joins when it is through.
const openWait = 15 * time.Second

// openDisks opens the disks. One that cannot be opened costs misses, not the node,
// and is tried again.
func openDisks(disks []config.Disk, log *slog.Logger) *disk.Set {
	list := make([]disk.Options, 0, len(disks))
	for i := range disks {
		d := &disks[i]
		encryption, _ := disk.ParseEncryption(d.Encrypt) // the configuration was checked
		list = append(list, disk.Options{
			Path: d.Path, Size: int64(d.Size), WritesPerDay: writesPerDay(d), Encryption: encryption, Key: d.Key, Log: log,
		})
	}
	return disk.OpenSet(list, openWait)
}

// writesPerDay is the write budget of a disk in bytes, 0 for no limit. Drives for
// servers are commonly rated for one write of all they hold a day, over five years.
func writesPerDay(d *config.Disk) int64 {
	switch d.WritesPerDay {
	case config.Unlimited:
		return 0
	case 0:
		return int64(d.Size)
	}
	return int64(d.WritesPerDay)
}

// notePurges has purges noted on every disk, also on those that come later. Where
// disks are configured and none is open, no purge is durable: what they hold may
// come back.
func (p *parts) notePurges(configured []config.Disk) {
	join := func(j *disk.Journal) { p.cache.AddJournals(j) }
	var list []cache.Journal
	for _, j := range p.disks.Journals(join) {
		list = append(list, j)
	}
	if len(list) == 0 && len(configured) > 0 {
		list = append(list, noJournal{})
	}
	p.cache.AddJournals(list...)
}

// noJournal stands for disks that could not be opened.
type noJournal struct{}

var errNoDisk = errors.New("no disk could be opened")

func (noJournal) Load() ([]byte, error) { return nil, nil }
func (noJournal) Append([]byte) error   { return errNoDisk }
func (noJournal) Replace([]byte) error  { return errNoDisk }

// lastSeq is the highest store number that any disk knows.
func lastSeq(disks *disk.Set) (last uint64) {
	for _, s := range disks.Stats() {
		last = max(last, s.LastSeq)
	}
	return last
}

// openLog opens the access log, nil when the configuration turns it off.
func openLog(c *config.Config, log *slog.Logger) (*logfmt.Writer, error) {
	if c.Log.Dir == "" {
		return nil, nil
	}
	format, err := logfmt.ParseFormat(c.Log.Format)
	if err != nil {
		return nil, err
	}
	address, err := logfmt.ParseAddressMode(c.Log.Address)
	if err != nil {
		return nil, err
	}
	compression, err := logfmt.ParseCompression(c.Log.Compress)
	if err != nil {
		return nil, err
	}
	key := 24 * time.Hour
	if c.Log.PseudonymKey == "hour" {
		key = time.Hour
	}
	return logfmt.NewWriter(logfmt.Options{
		Dir: c.Log.Dir, Node: c.Node.Name, Format: format, Address: address, PseudonymKey: key,
		MaxSize: int64(c.Log.MaxSize), MaxAge: time.Duration(c.Log.MaxAge), MaxTotal: int64(c.Log.MaxTotal),
		Retention: time.Duration(c.Log.Retention), Compress: compression, Anonymity: c.Log.KAnonymity,
		Log: log,
	})
}

// openLedger begins to write down what the edge counts.
func (p *parts) openLedger(c *config.Config) {
	dir := c.StateDir()
	if dir == "" {
		p.log.Warn("no usage ledger: there is no place for it; set node.state")
		return
	}
	p.ledger = usage.New(usage.Options{
		Dir: filepath.Join(dir, config.LedgerName), Source: p.edge.Usage, Retention: time.Duration(c.Usage.Retention), Log: p.log,
	})
}

// openShipper begins to push closed log files, if it is configured.
func (p *parts) openShipper(c *config.Config) error {
	s := &c.Log.Ship
	if p.access == nil || s.URL == "" {
		return nil
	}
	client, err := ship.NewClient(ship.ClientOptions{CAFile: s.CAFile, CertFile: s.ClientCert, KeyFile: s.ClientKey})
	if err != nil {
		return err
	}
	target := &ship.HTTP{URL: s.URL, Token: s.Secret, Client: client}
	if s.S3Region != "" {
		target = ship.S3(s.URL, s.S3Region, s.S3KeyID, s.Secret, client)
	}
	p.shipper = ship.New(ship.Options{
		Dir: c.Log.Dir, State: filepath.Join(c.StateDir(), "shipped.json"), Target: target,
		Compressed: c.Log.Compress != "none", Delete: s.Delete, Log: p.log,
	})
	return nil
}

// setSites replaces the sites by those of a configuration.
func (p *parts) setSites(c *config.Config) error {
	sites, err := buildSites(c, p.signatures, p.revoked)
	if err != nil {
		return err
	}
	p.cache.SetFloors(floors(c))
	p.edge.SetSites(edge.NewSites(sites))
	accounts := map[string]bool{}
	for _, s := range sites {
		accounts[s.Account] = true
	}
	p.accounts.Store(&accounts)
	return nil
}

func loadCertificates(c *config.Config) ([]tls.Certificate, error) {
	var all []tls.Certificate
	for _, files := range c.TLS.Certificates {
		certificate, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate %s: %w", files.Cert, err)
		}
		all = append(all, certificate)
	}
	return all, nil
}

// drain stops taking connections, lets requests end until ctx does, and cuts what
// is left.
func (p *parts) drain(ctx context.Context) error {
	p.setState(admin.Draining)
	return p.server.Shutdown(ctx)
}

// close lets go of everything; requests must have ended.
func (p *parts) close() {
	var errs []error
	if p.admin != nil {
		errs = append(errs, p.admin.Close())
	}
	if p.edge != nil {
		p.edge.Close()
	}
	if p.ledger != nil {
		errs = append(errs, p.ledger.Close())
	}
	if p.shipper != nil {
		p.shipper.Close()
	}
	if p.access != nil {
		errs = append(errs, p.access.Close())
	}
	if p.disks != nil {
		errs = append(errs, p.disks.Close())
	}
	if p.ram != nil {
		errs = append(errs, p.ram.Close())
	}
	if p.revoked != nil {
		errs = append(errs, p.revoked.Close())
	}
	if err := errors.Join(errs...); err != nil {
		p.log.Error("not everything was closed in order", "err", err)
	}
}
