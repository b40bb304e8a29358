package revoke

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// MaxOrders bounds the digests that a list holds: some 64 MiB.
const MaxOrders = 1 << 20

// Options configure a list.
type Options struct {
	// Path of the file; "" keeps the list in memory only.
	Path string
	Now  func() time.Time // nil: time.Now
	Log  *slog.Logger     // nil: discard
}

// List is what was withdrawn on this node.
type List struct {
	view    atomic.Pointer[view]
	now     func() time.Time
	log     *slog.Logger
	mu      sync.Mutex // guards the fields below
	file    *journal   // nil when in memory only
	number  uint64
	changed time.Time
	damaged int
}

// Open reads the list at o.Path, which it creates when there is none.
func Open(o Options) (*List, error) {
	l := &List{now: o.Now, log: o.Log}
	if l.now == nil {
		l.now = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.view.Store(newView())
	if o.Path == "" {
		return l, nil
	}
	if err := l.read(o.Path); err != nil {
		return nil, err
	}
	return l, nil
}

// read takes the lines of the file in, and writes it anew when most of it is over.
func (l *List) read(path string) error {
	file, lines, damaged, err := openJournal(path)
	if err != nil {
		return err
	}
	l.file, l.damaged = file, damaged
	if damaged > 0 {
		l.log.Error("lines of the list of revocations cannot be read: what they withdrew is valid again", "lines", damaged)
	}
	now, total := l.now().Unix(), len(lines)
	for _, one := range lines {
		l.number = max(l.number, one.Number)
		if one.Kind != kindNone {
			l.changed = time.Unix(one.At, 0)
		}
	}
	live := living(lines, now)
	l.view.Store(viewOf(live))
	if len(live) < total/2 {
		return file.rewrite(live, l.number)
	}
	return nil
}

// viewOf returns what lines withdraw.
func viewOf(lines []line) *view {
	v := newView()
	for i := range lines {
		v.add(&lines[i])
	}
	v.merge()
	return v
}

// Forget takes back all orders of an account, and leaves no trace of its name in the
// file. It is for an account that has no site any more: its tokens would be good again.
// It returns how many orders in force that were. Of a list in memory only the digests
// of tokens and sessions stay; there is no name in them.
func (l *List) Forget(account string) (gone int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		v := l.view.Load().without(account)
		gone = len(l.view.Load().keys) + len(l.view.Load().before) - len(v.keys) - len(v.before)
		l.view.Store(v)
		return gone, nil
	}
	lines, _, err := l.file.read()
	if err != nil {
		return 0, err
	}
	live := living(lines, l.now().Unix())
	kept := slices.DeleteFunc(slices.Clone(live), func(one line) bool { return one.Account == account })
	if err := l.file.rewrite(kept, l.number); err != nil {
		return 0, err
	}
	l.view.Store(viewOf(kept))
	return len(live) - len(kept), nil
}

// living leaves out what can no longer match anything, and what was lifted.
func living(lines []line, now int64) []line {
	last := map[string]int{} // by what is named, the last line about it
	name := func(l *line) string { return string(l.Kind) + "\x00" + l.Account + "\x00" + l.ID + l.Key }
	for i := range lines {
		last[name(&lines[i])] = i
	}
	var live []line
	for i := range lines {
		one := &lines[i]
		over := one.Until != 0 && one.Until <= now
		lifted := one.Lift || lines[last[name(one)]].Lift
		if !over && !lifted && one.Kind != kindNone {
			live = append(live, *one)
		}
	}
	return live
}

// Apply carries out orders, all or none. It returns the number of the last one; a
// node that was told orders up to a number has applied all below it. They are
// durable when it returns without an error. Errors of the orders wrap ErrOrder.
func (l *List) Apply(orders ...Order) (number uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	lines := make([]line, len(orders))
	for i := range orders {
		if lines[i], err = orders[i].line(now); err != nil {
			return 0, err
		}
		lines[i].Number = l.number + uint64(i) + 1
	}
	if l.view.Load().size()+len(lines) > MaxOrders {
		return 0, fmt.Errorf("%w: %d tokens and sessions are withdrawn already: withdraw by date of issue or by key", ErrOrder, MaxOrders)
	}
	if l.file != nil {
		if err := l.file.append(lines); err != nil {
			return 0, err
		}
	}
	l.view.Store(l.view.Load().with(lines))
	l.number += uint64(len(lines))
	l.changed = now
	return l.number, nil
}

// Of returns what concerns one account.
func (l *List) Of(account string) Revocations { return Revocations{list: l, account: account} }

// Stats describe a list.
type Stats struct {
	Number  uint64    // of the last order
	Changed time.Time // when it was given; zero when there was none
	Digests int       // tokens and sessions withdrawn
	Keys    int
	Dates   int  // accounts with a date of issue
	Durable bool // orders outlive the process
	Damaged int  // lines of the file that could not be read
}

// Stats returns a snapshot.
func (l *List) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.view.Load()
	return Stats{
		Number: l.number, Changed: l.changed, Digests: v.size(), Keys: len(v.keys), Dates: len(v.before),
		Durable: l.file != nil, Damaged: l.damaged,
	}
}

// Close closes the file. Revoked may still be asked.
func (l *List) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.close()
}
