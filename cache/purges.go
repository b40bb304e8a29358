package cache

import (
	"errors"
	"fmt"
	"sync"

	"edged/cache/purge"
)

// ErrVolatile means that a purge is in force but will be forgotten by a restart: no
// disk took it. Asking again, with the same request, tries again.
var ErrVolatile = errors.New("cache: the purge is in force, but no disk could note it")

// Journal is a small durable file; *disk.Journal is such.
type Journal interface {
	// Load returns what the journal holds, nothing when it is new.
	Load() ([]byte, error)
	// Append adds to it, Replace replaces it as a whole; durably, when they return
	// nil. Both bound how long they wait for a disk.
	Append(b []byte) error
	Replace(b []byte) error
}

// purges are the rules in force and where they are kept.
type purges struct {
	table *purge.Table

	mu    sync.Mutex // one purge at a time; guards what follows
	logs  []*purgeLog
	trust logTrust
}

// purgeLog is the log on one disk.
type purgeLog struct {
	Journal
	stale   bool   // it misses something, or does not exist: to be replaced
	foreign bool   // of a later version: to be left alone
	last    uint64 // highest number in it when it was read
	size    int    // bytes
	limit   int    // size at which it is rewritten
}

// logStep is how many bytes a log may grow before a rewrite pays.
const logStep = 1 << 20

// loadPurges unites what the journals know. Store numbers go on from the time in
// microseconds, of which more have passed than numbers were drawn: so they also lie
// above those of a disk that is away just now, and no purge to come can miss what
// it holds.
func (c *Cache) loadPurges(o *Options) {
	p := &c.purges
	last := max(o.Seq, uint64(max(0, c.now().UnixMicro())))
	p.table = purge.NewTable(purge.Options{Seq: last, MaxRules: o.MaxPurges})
	c.AddJournals(o.Journals...)
}

// AddJournals takes over what is noted on disks that join, before anything else of
// them is used, and notes there what is in force.
func (c *Cache) AddJournals(list ...Journal) {
	p := &c.purges
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, j := range list {
		l := &purgeLog{Journal: j, stale: true}
		p.logs = append(p.logs, l)
		b, err := j.Load()
		if err == nil {
			err = p.read(l, b)
		}
		if err != nil {
			l.foreign = errors.Is(err, purge.ErrFormat)
			p.trust.lost = true
			c.log.Error("a purge log cannot be read", "err", err)
		}
	}
	if p.trust.broken() {
		c.log.Error("purges are lost: all that is stored counts as purged")
		p.trust.last, _ = p.table.Purge(0, []purge.Rule{purge.Everything()})
	}
	for _, l := range p.logs {
		l.stale = l.stale || l.last < p.trust.last
	}
	c.writeStale()
	p.trust.lost = false // it is made good
}

// logTrust tells whether the logs together have everything.
type logTrust struct {
	last uint64 // highest number in any log
	good uint64 // highest number in a log that is whole
	any  bool   // one is whole
	lost bool   // one could not be read, or is damaged
}

func (t *logTrust) broken() bool { return t.lost && (!t.any || t.good < t.last) }

// read takes over what the log of one disk says.
func (p *purges) read(l *purgeLog, b []byte) error {
	parsed, err := purge.Parse(b)
	if err != nil {
		return err
	}
	p.table.Restore(parsed)
	trust := &p.trust
	l.last = parsed.Last
	trust.last = max(trust.last, parsed.Last)
	if parsed.Damaged {
		trust.lost = true
		return nil
	}
	if len(b) == 0 {
		return nil // of a new disk: says nothing
	}
	trust.any, trust.good = true, max(trust.good, parsed.Last)
	l.stale = parsed.Torn
	l.size, l.limit = len(b), 2*len(b)+logStep
	return nil
}

// writeStale brings logs up to date that miss something of what any has. A log that
// the disk refuses stays stale.
func (c *Cache) writeStale() {
	if c.purges.table.Newest() == 0 {
		return // nothing to write down
	}
	b, last := c.purges.table.AppendLog(nil), c.purges.table.Stats().Last
	if err := c.purges.each(func(l *purgeLog) error {
		if !l.stale || l.foreign {
			return nil
		}
		return l.replace(b, last)
	}); err != nil {
		c.log.Warn("a purge log cannot be brought up to date", "err", err)
	}
}

// Purge puts rules in force, at most purge.MaxBatch, and returns the number of the
// purge: from its return on nothing that was fetched before is served, also not
// after a crash, unless the error is ErrVolatile. request identifies who asked for
// what, 0 when nobody can tell: the same one gets the same number.
func (c *Cache) Purge(request uint64, rules []purge.Rule) (number uint64, repeated bool, err error) {
	if len(rules) == 0 || len(rules) > purge.MaxBatch {
		return 0, false, fmt.Errorf("cache: a purge of %d rules", len(rules))
	}
	p := &c.purges
	p.mu.Lock()
	defer p.mu.Unlock()
	number, repeated = p.table.Purge(request, rules)
	return number, repeated, c.notePurge(number, request, rules, repeated)
}

// notePurge makes a purge durable on every disk that takes it. One will do, because
// a start unites them.
func (c *Cache) notePurge(number, request uint64, rules []purge.Rule, repeated bool) error {
	batch := purge.AppendBatch(nil, number, request, rules)
	var whole []byte
	stale, full := c.purges.needRewrite(len(batch))
	if full {
		c.trimPurges()
	}
	if stale || full {
		whole = c.purges.table.AppendLog(nil)
	}
	last := c.purges.table.Stats().Last
	c.purges.trust.last = last
	var mu sync.Mutex
	noted := len(c.purges.logs) == 0
	err := c.purges.each(func(l *purgeLog) error {
		if err := l.note(batch, whole, repeated, last); err != nil {
			return err
		}
		mu.Lock()
		noted = true
		c.purges.trust.any, c.purges.trust.good = true, last
		mu.Unlock()
		return nil
	})
	if !noted {
		return fmt.Errorf("%w: %w", ErrVolatile, err)
	}
	if err != nil {
		c.log.Warn("a purge is not noted on every disk", "number", number, "err", err)
	}
	return nil
}

// needRewrite reports whether a log misses something, and whether one has grown
// enough for a rewrite instead of n more bytes.
func (p *purges) needRewrite(n int) (stale, full bool) {
	for _, l := range p.logs {
		switch {
		case l.foreign:
		case l.stale:
			stale = true
		case l.size+n > l.limit:
			full = true
		}
	}
	return stale, full
}

// note makes a purge durable on one disk. A repeated one is there already, unless
// the log missed it.
func (l *purgeLog) note(batch, whole []byte, repeated bool, last uint64) error {
	switch {
	case l.foreign:
		return purge.ErrFormat
	case l.stale || l.size+len(batch) > l.limit:
		return l.replace(whole, last)
	case repeated:
		return nil
	}
	if err := l.Append(batch); err != nil {
		l.stale = true
		return err
	}
	l.size += len(batch)
	l.last = last
	return nil
}

func (l *purgeLog) replace(whole []byte, last uint64) error {
	if l.foreign {
		return purge.ErrFormat
	}
	l.stale = true
	if err := l.Replace(whole); err != nil {
		return err
	}
	l.stale, l.size, l.limit = false, len(whole), 2*len(whole)+logStep
	l.last = last
	return nil
}

// each calls f for all logs at once, so that a slow disk costs its own time only.
func (p *purges) each(f func(*purgeLog) error) error {
	errs := make([]error, len(p.logs))
	var all sync.WaitGroup
	for i, l := range p.logs {
		all.Go(func() { errs[i] = f(l) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// trimPurges folds the rules away that are older than all that is stored, or about
// to be. It visits every object, on disk too, so it is for when a log is rewritten.
func (c *Cache) trimPurges() {
	oldest := c.purges.table.Next()
	c.index.each(func(o *Object) bool {
		oldest = min(oldest, o.Meta().Seq)
		return true
	})
	if c.disks != nil {
		if n, any := c.disks.Oldest(); any {
			oldest = min(oldest, n)
		}
	}
	c.mu.Lock()
	for _, f := range c.joins {
		oldest = min(oldest, f.seq)
	}
	c.mu.Unlock()
	c.purges.table.Trim(oldest)
}
