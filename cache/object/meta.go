package object

import (
	"strings"
	"time"
)

// Block geometry. A block is the unit of storage, of readiness while a fill is
// under way and of eviction; a stripe is what the disk tier writes as one record.
const (
	// BlockSize is the length in bytes of every block but the last of a body.
	BlockSize = 1 << 20
	// StripeBlocks is the number of blocks in one record of the disk tier.
	StripeBlocks = 8
	// StripeSize is the body bytes in one full record of the disk tier.
	StripeSize = StripeBlocks * BlockSize
	// MaxSize is the longest body in bytes that is handled. The memory for the table of
	// its blocks grows with what an origin merely claims.
	MaxSize = 256 << 30
)

// Blocks returns how many blocks a body of size bytes has.
func Blocks(size int64) int { return int((size + BlockSize - 1) / BlockSize) }

// BlockLen returns the length in bytes of block i of a body of size bytes.
func BlockLen(size int64, i int) int {
	return int(min(BlockSize, size-int64(i)*BlockSize))
}

// Field is one header field line as the origin sent it.
type Field struct{ Name, Value string }

// Header is an ordered list of field lines. Names compare without case.
type Header []Field

// Get returns the value of the first line called name, or "".
func (h Header) Get(name string) string {
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Has reports whether a line called name is present, even an empty one.
func (h Header) Has(name string) bool {
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			return true
		}
	}
	return false
}

// Joined returns all lines called name joined by ", " (RFC 9110 §5.3). It
// allocates only when there is more than one.
func (h Header) Joined(name string) string {
	joined, found := "", false
	for i := range h {
		switch {
		case !strings.EqualFold(h[i].Name, name):
		case !found:
			joined, found = h[i].Value, true
		default:
			joined += ", " + h[i].Value
		}
	}
	return joined
}

// Flags are the cache directives of a stored response that outlive its parsing.
type Flags uint16

// The directives that matter after a response was stored.
const (
	// MustRevalidate forbids serving stale (must-revalidate, proxy-revalidate,
	// s-maxage; RFC 9111 §5.2.2).
	MustRevalidate Flags = 1 << iota
	// NoCache asks for validation before every use (no-cache without field names).
	NoCache
	// Immutable means a fresh response need not be validated on reload (RFC 8246).
	Immutable
	// Heuristic marks a lifetime the origin did not state.
	Heuristic
	// VaryMarker marks a Meta without a body that only records, under the primary
	// key, which request fields select among the variants.
	VaryMarker
	// Resumable means that the length is known and the validator is strong, so that
	// missing blocks may be fetched by range and put beside those that are there.
	Resumable
)

// Freshness is everything needed to tell the age and the staleness of a stored
// response at a given time, by arithmetic alone (RFC 9111 §4.2).
type Freshness struct {
	Received             int64         // response_time, Unix nanoseconds of our clock
	InitialAge           time.Duration // corrected_initial_age (§4.2.3)
	Lifetime             time.Duration // freshness lifetime
	StaleWhileRevalidate time.Duration // RFC 5861 §3; 0 = none
	StaleIfError         time.Duration // RFC 5861 §4; 0 = none
	Flags                Flags
}

// Age returns the current age at now (Unix nanoseconds), never negative.
func (f *Freshness) Age(now int64) time.Duration {
	return f.InitialAge + max(0, time.Duration(now-f.Received))
}

// TTL returns what is left of the lifetime at now; negative when stale.
func (f *Freshness) TTL(now int64) time.Duration { return f.Lifetime - f.Age(now) }

// Meta describes one stored version of one variant. It is immutable: a freshened
// version is a new Meta with the same Version.
type Meta struct {
	Key       Key    // full cache key, compared on every lookup
	Account   string // owner; fences purge, quota and metrics
	Status    int    // HTTP status of the stored response
	Header    Header // stored fields, hop-by-hop and CORS fields already dropped
	Size      int64  // body length in bytes, -1 while a fill does not know it yet
	Version   uint64 // identity of these body bytes; random, never 0
	Seq       uint64 // number at which its fetch began, compared with purges at lookup
	Keys      string // surrogate keys with a space between two (purge.Keys)
	Class     uint8  // media.Class, for counters and defaults
	Freshness Freshness
}
