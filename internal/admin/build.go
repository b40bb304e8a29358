package admin

import (
	"crypto/x509"
	"fmt"
	"math"
	"net/url"
	"time"

	"edged/cache"
	"edged/cache/disk"
	"edged/internal/edge"
	"edged/internal/revoke"
	"edged/internal/server"
	"edged/logfmt"
	"edged/origin"
)

// status builds what is shown now.
func (s *Server) status() *status {
	o := &s.options
	now := o.Now()
	st := &status{
		Schema: schema, Time: now.UTC(), State: s.State().String(),
		Node: nodeStatus{o.Node, o.Region, o.Version, s.started.UTC(), now.Sub(s.started).Seconds()},
	}
	st.addEdge(o.Sources.Edge())
	if o.Sources.Cache != nil {
		st.addCache(o.Sources.Cache())
	}
	if o.Sources.Disks != nil {
		st.addDisks(o.Sources.Disks())
	}
	st.addUnusable(o.DiskPaths)
	if o.Sources.Log != nil {
		st.Log = logOf(o.Sources.Log())
	}
	if o.Sources.Ledger != nil {
		st.Ledger = ledgerOf(o.Sources.Ledger())
	}
	st.Revocations = revocationsOf(o.Revocations)
	if o.Sources.Ship != nil {
		s := shipStatus(o.Sources.Ship())
		st.Shipping = &s
	}
	if o.Sources.Server != nil {
		st.Connections = connectionsOf(o.Sources.Server())
	}
	if o.Sources.Certificates != nil {
		st.addCertificates(o.Sources.Certificates(), now)
	}
	st.History, st.Rates = s.history.snapshot()
	st.judge()
	st.Shape = st.shape()
	return st
}

func (st *status) addEdge(e edge.Stats) {
	for i := range e.Sites {
		site := siteOf(&e.Sites[i])
		st.Totals.add(&site)
		st.Sites = append(st.Sites, site)
	}
	st.Totals.finish()
	st.Unknown = unknownStatus{Requests: sum(e.Unknown), Bytes: e.UnknownBytes, Usage: usagesOf(e.UnknownUsage), Detail: e.Unknown, BadTarget: e.UnknownTarget}
}

func siteOf(e *edge.SiteStats) siteStatus {
	s := siteStatus{
		Account: e.Account, Site: e.Site,
		Status:  statusCounts{e.Status[1], e.Status[2], e.Status[3], e.Status[4], e.Status[5]},
		Forward: e.Forward, Detail: e.Detail, DeniedBy: e.Denied, BadTarget: e.BadTarget,
		Usage: usagesOf(e.Usage), Origins: originsOf(e.Origins),
	}
	for i := range e.Classes {
		c := classStatus{e.Classes[i].Class, countsOf(&e.Classes[i])}
		s.counts.add(&c.counts)
		s.Classes = append(s.Classes, c)
	}
	s.HeaderBytes, s.FetchedBytes = e.HeaderBytes, e.Fetched
	s.Forwarded, s.Denied = sum(e.Forward), sum(e.Denied)
	s.finish()
	return s
}

func countsOf(e *edge.ClassStats) counts {
	c := counts{
		Requests: e.Requests, Hits: e.Hits, Collapsed: e.Collapsed, Stale: e.Stale, Aborted: e.Aborted, Bytes: e.Bytes,
	}
	for _, t := range e.Tiers {
		if at := c.Tiers.of(t.Tier); at != nil {
			*at = served{t.Requests, t.Bytes}
		}
	}
	return c
}

// of returns the place of a tier, nil for one that does not exist.
func (t *tiers) of(tier string) *served {
	switch tier {
	case cache.TierNone.String():
		return &t.None
	case cache.TierRAM.String():
		return &t.RAM
	case cache.TierDisk.String():
		return &t.Disk
	case cache.TierOrigin.String():
		return &t.Origin
	}
	return nil
}

// each calls f for every tier, in the order of speed.
func (t *tiers) each(f func(tier string, s served)) {
	f(cache.TierRAM.String(), t.RAM)
	f(cache.TierDisk.String(), t.Disk)
	f(cache.TierOrigin.String(), t.Origin)
	f(cache.TierNone.String(), t.None)
}

func (c *counts) add(d *counts) {
	c.Requests += d.Requests
	c.Hits += d.Hits
	c.Collapsed += d.Collapsed
	c.Stale += d.Stale
	c.Aborted += d.Aborted
	c.Bytes += d.Bytes
	d.Tiers.each(func(tier string, s served) {
		at := c.Tiers.of(tier)
		at.Requests += s.Requests
		at.Bytes += s.Bytes
	})
}

func (t *totals) add(s *siteStatus) {
	t.counts.add(&s.counts)
	t.HeaderBytes += s.HeaderBytes
	t.FetchedBytes += s.FetchedBytes
	t.Forwarded += s.Forwarded
	t.Denied += s.Denied
	t.Status.Informational += s.Status.Informational
	t.Status.Success += s.Status.Success
	t.Status.Redirect += s.Status.Redirect
	t.Status.ClientError += s.Status.ClientError
	t.Status.ServerError += s.Status.ServerError
}

// finish reckons the ratios. What the cache was not asked for (refusals,
// preflights, redirects) is in neither part of the first one; the second one
// speaks of the bytes of stored and fetched bodies.
func (s *summary) finish() {
	s.HitRatio = share(s.Hits, s.Hits+s.Forwarded)
	cached := s.Tiers.RAM.Bytes + s.Tiers.Disk.Bytes
	s.ByteHitRatio = share(cached, cached+s.Tiers.Origin.Bytes)
}

func sum(m map[string]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

// distinct numbers names that are equal: origins may differ only in what is not
// shown, and a host may have two certificates.
func distinct(seen map[string]int, name string) string {
	seen[name]++
	if n := seen[name]; n > 1 {
		return fmt.Sprintf("%s #%d", name, n)
	}
	return name
}

func originsOf(all []origin.Stats) []originStatus {
	var list []originStatus
	seen := map[string]int{}
	for i := range all {
		o := originOf(&all[i])
		o.Origin = distinct(seen, o.Origin)
		list = append(list, o)
	}
	return list
}

func originOf(o *origin.Stats) originStatus {
	s := originStatus{
		Origin: originName(o.Origin), Up: o.Up, Requests: o.Requests, Connects: o.Connects, Reused: o.Reused,
		Retries: o.Retries, Skipped: o.Skipped, Bytes: o.Bytes, Active: o.Active, Idle: o.Idle,
		FirstByte: o.FirstByte.Seconds(), LastError: timeOf(o.LastError), Errors: map[string]uint64{},
	}
	for kind := origin.KindNone + 1; int(kind) < origin.NumKinds; kind++ {
		if n := o.Errors[kind]; n > 0 {
			s.Errors[kind.String()] = n
		}
	}
	s.Failed = sum(s.Errors)
	return s
}

// originName leaves user, path and query of a configured URL out: they may hold a
// secret.
func originName(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "invalid URL"
	}
	return u.Scheme + "://" + u.Host
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func revocationsOf(l *revoke.List) *revocationStatus {
	if l == nil {
		return nil
	}
	s := l.Stats()
	return &revocationStatus{s.Number, timeOf(s.Changed), s.Digests, s.Keys, s.Dates, s.Durable, s.Damaged}
}

func (st *status) addCache(c cache.Stats) {
	p := &c.Purges
	st.Cache = cacheStatus{c.Objects, c.Fills, p.Last, p.Rules, p.Widened, c.Purged}
	st.RAM = ramOf(&c)
}

func ramOf(c *cache.Stats) ramStatus {
	r := &c.RAM
	accounts := make([]ramAccount, 0, len(c.Accounts))
	for _, a := range c.Accounts {
		accounts = append(accounts, ramAccount{a.Account, a.Resident, a.Floor})
	}
	return ramStatus{
		Size: r.Size, Used: r.Used, Resident: r.Resident, Pinned: r.Pinned, Holes: r.Holes, Touched: r.Touched,
		Blocks: r.Blocks, InUse: r.InUse, Admitted: r.Admitted, GhostHits: r.GhostHits, Evictions: r.Evictions,
		EvictedBytes: r.EvictedBytes, SlabsMoved: r.SlabsMoved, AllocFailures: r.AllocFailures,
		ParkedReaders: c.Parked.Readers, Parked: c.Parked.Bytes, ParkedMax: c.Parked.Max, PinsTaken: c.Parked.Taken,
		Held: c.Held.Used, HeldMax: c.Held.Max, Passing: c.Passing.Used, PassingMax: c.Passing.Max,
		FloorsBroken: r.FloorsBroken, Accounts: accounts,
	}
}

func (st *status) addDisks(all []disk.Stats) {
	for i := range all {
		st.Disks = append(st.Disks, diskOf(&all[i]))
	}
}

// unusable is the health of a disk that could not be opened.
const unusable = "unusable"

// addUnusable adds the configured disks that are not there.
func (st *status) addUnusable(paths []string) {
	there := map[string]bool{}
	for _, d := range st.Disks {
		there[d.Path] = true
	}
	for _, path := range paths {
		if !there[path] {
			st.Disks = append(st.Disks, diskStatus{Path: path, Health: unusable})
		}
	}
}

func diskOf(d *disk.Stats) diskStatus {
	r, w, rec := &d.Reads, &d.Writes, &d.Recovery
	return diskStatus{
		Path: d.Path, Health: d.Health.String(), Encrypt: d.Encryption.String(), Size: d.Space.Size, Used: d.Space.Used, Objects: d.Space.Objects,
		Extents: d.Space.Extents, Entries: d.Space.Entries, Capacity: d.Space.Capacity,
		Evicted: d.Space.Evictions, Full: d.Space.IndexFull,
		Reads: diskReads{r.Lookups, r.Hits, r.Blocks, r.Bytes, r.Errors, r.Corrupt},
		Writes: diskWrites{
			Records: w.Records, Bytes: w.Bytes, Errors: w.Errors, Refused: w.Refused, Dropped: w.Dropped,
			Rescued: w.Rescued, RescuedB: w.RescuedBytes,
			Snapshots: w.Snapshots, Queued: w.QueueJobs, QueueBytes: w.QueueBytes, Removals: w.PendingRemovals,
		},
		Wear:  diskWear{d.Wear.PerDay, d.Wear.Left, d.Wear.Admission.String()},
		Scrub: diskScrub{d.Scrub.Bytes, d.Scrub.Errors, timeOf(d.Scrub.LastRound)},
		Recovery: recoveryStatus{
			rec.Clean, rec.Snapshot, rec.Footers, rec.Scanned, rec.Records, rec.Removed, rec.Lost, rec.Duration.Seconds(),
		},
	}
}

func logOf(l logfmt.Stats) *logStatus {
	st := &logStatus{
		Offered: l.Offered, Written: l.Written, Dropped: l.Dropped, Oversized: l.Oversized,
		Queued: l.Queued, QueuedBytes: l.QueuedBytes, Bytes: l.Bytes, Closed: l.Closed, Deleted: l.Deleted,
		TornLines: l.TornLines, MaybeLost: l.MaybeLost, Errors: l.Errors, Files: l.Files, FileBytes: l.FileBytes,
		Oldest: timeOf(l.Oldest), Failing: l.Failing,
	}
	if a := l.Anonymity; a.K > 0 {
		st.Anonymity = &anonymityStatus{a.K, a.Kept, a.Widened, a.Removed}
	}
	return st
}

func connectionsOf(s server.Stats) connectionStatus {
	c := connectionStatus{
		Open: s.Open, HTTP: s.OpenHTTP, HTTPS: s.OpenHTTPS, Streams: s.OpenStreams,
		Accepted: s.Accepted, Shed: s.Shed, AcceptErrors: s.AcceptErrors,
		Handshakes: s.Handshakes, HandshakeErrors: s.HandshakeErrors, HandshakeQueued: s.HandshakeQueued,
		Cut:     map[string]uint64{"handshake": s.CutHandshake, "header": s.CutHeader, "idle": s.CutIdle, "slow": s.CutSlow},
		Refused: map[string]uint64{}, Panics: s.Panics,
	}
	for why := server.Accepted + 1; int(why) < server.NumRefusals; why++ {
		if n := s.Refused[why]; n > 0 {
			c.Refused[why.String()] = n
		}
	}
	return c
}

func (st *status) addCertificates(all []*x509.Certificate, now time.Time) {
	seen := map[string]int{}
	for _, c := range all {
		name, names := c.Subject.CommonName, len(c.DNSNames)+len(c.IPAddresses)
		switch {
		case len(c.DNSNames) > 0:
			name = c.DNSNames[0]
		case name == "":
			name = "without a name"
		}
		st.Certificates = append(st.Certificates, certificateStatus{
			Name: distinct(seen, name), Names: names, NotAfter: c.NotAfter.UTC(), DaysLeft: int(math.Floor(c.NotAfter.Sub(now).Hours() / 24)),
		})
	}
}
