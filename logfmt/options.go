package logfmt

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// MaxRetention is the longest that a log file may be kept (POLICY P4).
const MaxRetention = 90 * 24 * time.Hour

// MaxAnonymity is the most that Options.Anonymity may be.
const MaxAnonymity = 100

// Options say how a Writer writes. Dir and Node are required, the zero value of
// everything else means its default.
type Options struct {
	Dir      string      // where the files are; made when missing
	Name     string      // first part of file names; default "access"
	Node     string      // name of this node, in names and records
	Software string      // #Software of W3C files; default "edged"
	Format   Format      // default W3C
	Address  AddressMode // default Strike; a Record may ask for a stricter one

	PseudonymKey time.Duration // life of the key of pseudonyms and sessions: 1h or 24h, the default

	MaxSize   int64         // bytes after which a file is closed; default 256 MiB
	MaxAge    time.Duration // time after which a file that holds records is closed; default 1h, or Retention when that is less
	Retention time.Duration // age, counted from its beginning, at which a closed file is deleted; default 7 days, at most MaxRetention
	MaxTotal  int64         // bytes that closed files may take before the oldest are deleted; default 0, no limit
	Compress  Compression   // of closed files, in the background; default none

	// Anonymity is k: when a file is closed, records whose struck address, title and
	// hour fewer than k viewers share lose precision. 0 is off; else Address must be
	// Strike and k from 2 to MaxAnonymity. Write then allocates now and then.
	Anonymity int

	// QueueBytes bounds the memory for records that are not on disk yet. A
	// record that does not fit is dropped and counted. Default 16 MiB, at least
	// 64 KiB.
	QueueBytes int

	Log *slog.Logger     // for trouble with files; default none. It never gets a record
	Now func() time.Time // default time.Now
}

// Defaults of Options, and the least queue that holds a record.
const (
	defaultMaxSize   = 256 << 20
	defaultMaxAge    = time.Hour
	defaultRetention = 7 * 24 * time.Hour
	defaultQueue     = 16 << 20
	minQueue         = 64 << 10
)

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	setDefault(&o.Name, "access")
	setDefault(&o.Software, "edged")
	setDefault(&o.Address, Strike)
	setDefault(&o.PseudonymKey, 24*time.Hour)
	setDefault(&o.MaxSize, defaultMaxSize)
	setDefault(&o.Retention, defaultRetention)
	setDefault(&o.MaxAge, min(defaultMaxAge, o.Retention))
	setDefault(&o.QueueBytes, defaultQueue)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// check says what is wrong with options that have their defaults.
func (o *Options) check() error {
	var errs []error
	bad := func(wrong bool, text string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf("logfmt: "+text, args...))
		}
	}
	bad(o.Dir == "", "no directory for access logs")
	bad(o.Format >= numFormats, "unknown format %d", o.Format)
	bad(o.Address > None, "unknown address mode %d", o.Address)
	bad(o.PseudonymKey != time.Hour && o.PseudonymKey != 24*time.Hour, "key of pseudonyms for %v: use 1h or 24h", o.PseudonymKey)
	bad(o.MaxSize < 0, "size of a file below 0")
	bad(o.MaxTotal < 0, "size of all files below 0")
	bad(o.MaxAge < 0, "age of a file below 0")
	bad(o.Retention < 0 || o.Retention > MaxRetention, "retention of %v: use at most %v", o.Retention, MaxRetention)
	bad(o.MaxAge > o.Retention, "a file is written for %v but kept for %v only: lower its age", o.MaxAge, o.Retention)
	bad(o.Compress > CompressGzip, "unknown compression %d", o.Compress)
	bad(o.Anonymity != 0 && (o.Anonymity < 2 || o.Anonymity > MaxAnonymity), "anonymity of %d: use 2 to %d, or 0", o.Anonymity, MaxAnonymity)
	bad(o.Anonymity != 0 && o.Address != Strike, "anonymity needs struck addresses, not %q", o.Address)
	bad(o.QueueBytes < minQueue, "queue of %d bytes: use at least %d", o.QueueBytes, minQueue)
	return errors.Join(errs...)
}
