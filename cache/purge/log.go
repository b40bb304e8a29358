package purge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrFormat means that a log was written by a later version: it must not be used,
// nor overwritten.
var ErrFormat = errors.New("purge: log is of another version")

// Layout of the log; FORMAT.md draws it.
const (
	// EntrySize is the length in bytes of an entry, and of the head.
	EntrySize  = 64
	logVersion = 1
	logMagic   = 0x50444445 // "EDDP", little endian

	flagSoft  = 1
	flagSlash = 2

	// MaxBatch is how many rules one purge may have.
	MaxBatch = 1<<16 - 1
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// logged is one entry of a log.
type logged struct {
	rule         Rule
	number       uint64
	request      uint64
	index, count uint16 // place in the batch that was written at once
}

func (e *logged) appendTo(dst []byte) []byte {
	var b [EntrySize]byte
	b[4] = byte(e.rule.Kind)
	if e.rule.Soft {
		b[5] |= flagSoft
	}
	if e.rule.slash {
		b[5] |= flagSlash
	}
	le.PutUint16(b[6:], e.index)
	le.PutUint16(b[8:], e.count)
	le.PutUint32(b[12:], e.rule.length)
	le.PutUint64(b[16:], e.number)
	le.PutUint64(b[24:], e.request)
	copy(b[32:], e.rule.account[:])
	copy(b[48:], e.rule.name[:])
	le.PutUint32(b[:], crc32.Checksum(b[4:], castagnoli))
	return append(dst, b[:]...)
}

// parseEntry decodes an entry; ok is false for a torn or damaged one.
func parseEntry(b []byte) (e logged, ok bool) {
	if len(b) < EntrySize || le.Uint32(b) != crc32.Checksum(b[4:EntrySize], castagnoli) {
		return logged{}, false
	}
	e = logged{
		rule:   Rule{Kind: Kind(b[4]), Soft: b[5]&flagSoft != 0, slash: b[5]&flagSlash != 0, length: le.Uint32(b[12:])},
		number: le.Uint64(b[16:]), request: le.Uint64(b[24:]), index: le.Uint16(b[6:]), count: le.Uint16(b[8:]),
	}
	copy(e.rule.account[:], b[32:])
	copy(e.rule.name[:], b[48:])
	return e, e.rule.Kind >= KindEverything && e.rule.Kind <= kindRequest
}

// AppendHead appends the head of a log.
func AppendHead(dst []byte) []byte {
	var b [EntrySize]byte
	le.PutUint32(b[:], logMagic)
	le.PutUint16(b[4:], logVersion)
	le.PutUint32(b[EntrySize-4:], crc32.Checksum(b[:EntrySize-4], castagnoli))
	return append(dst, b[:]...)
}

// AppendBatch appends the entries of one purge, at most MaxBatch rules.
func AppendBatch(dst []byte, number, request uint64, rules []Rule) []byte {
	for i, r := range rules {
		e := logged{r, number, request, uint16(i), uint16(len(rules))}
		dst = e.appendTo(dst)
	}
	return dst
}

// Log is what a log says.
type Log struct {
	// Damaged means that rules are lost which may have been acknowledged.
	Damaged bool
	// Torn means that its end is no entry, so that nothing may be appended.
	Torn bool
	// Last is the highest number in it.
	Last uint64

	entries []logged
}

// Parse reads a log. An empty one is that of a new disk. b is borrowed for the
// call. The error wraps [ErrFormat].
func Parse(b []byte) (*Log, error) {
	l := &Log{}
	if len(b) == 0 {
		return l, nil
	}
	if !goodHead(b) {
		l.Damaged = true
	} else if v := le.Uint16(b[4:]); v != logVersion {
		return nil, fmt.Errorf("%w: %d, this build reads %d", ErrFormat, v, logVersion)
	}
	bad := -1 // place of the last entry that is damaged
	for i := 1; (i+1)*EntrySize <= len(b); i++ {
		e, ok := parseEntry(b[i*EntrySize:])
		if !ok {
			bad = i
			continue
		}
		if bad >= 0 && i-int(e.index) > bad {
			l.Damaged = true // written after something that was on the disk by then
		}
		l.Last = max(l.Last, e.number)
		l.entries = append(l.entries, e)
	}
	l.Torn = bad >= 0 || len(b)%EntrySize != 0 || l.Damaged
	return l, nil
}

func goodHead(b []byte) bool {
	return len(b) >= EntrySize && le.Uint32(b) == logMagic &&
		le.Uint32(b[EntrySize-4:]) == crc32.Checksum(b[:EntrySize-4], castagnoli)
}

// Restore puts the rules of a log in force, beside those that are.
func (t *Table) Restore(l *Log) {
	t.order.Lock()
	defer t.order.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(l.entries) == 0 {
		return
	}
	for i := range l.entries {
		e := &l.entries[i]
		t.rememberLocked(e.request, e.number)
		if e.rule.Kind == kindRequest {
			continue
		}
		t.addLocked(e.rule, e.number)
		t.last = max(t.last, e.number)
	}
	t.seq = max(t.seq, t.last) + 1
	for i := range l.entries { // what was judged before these rules were known is judged again
		if a := t.accounts[l.entries[i].rule.account]; a != nil {
			a.newest = t.seq
		}
	}
	t.fitLocked()
	t.newest.Store(t.seq)
}

// AppendLog appends a whole log of what is in force, head first.
func (t *Table) AppendLog(dst []byte) []byte {
	t.mu.RLock()
	defer t.mu.RUnlock()
	dst = AppendHead(dst)
	put := func(r Rule, s stamps) {
		if s.hard > 0 {
			dst = (&logged{rule: r, number: s.hard, count: 1}).appendTo(dst)
		}
		if r.Soft = true; s.soft > 0 {
			dst = (&logged{rule: r, number: s.soft, count: 1}).appendTo(dst)
		}
	}
	put(Everything(), t.all)
	for name, a := range t.accounts {
		put(Rule{Kind: KindAccount, account: name}, a.own)
		for k, e := range a.rules {
			put(Rule{Kind: k.kind, account: name, name: k.name, length: e.length, slash: e.slash}, e.stamps)
		}
	}
	for _, request := range t.recent {
		dst = (&logged{rule: Rule{Kind: kindRequest}, number: t.requests[request], request: request, count: 1}).appendTo(dst)
	}
	return dst
}
