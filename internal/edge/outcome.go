package edge

import (
	"strconv"
	"time"

	"edged/auth"
	"edged/cache"
	"edged/internal/media"
	"edged/internal/target"
)

// Forward says why a request went to the origin, in the words of RFC 9211 §2.2.
type Forward uint8

// The reasons to go forward; ForwardNone means that the request did not.
const (
	ForwardNone    Forward = iota
	ForwardURIMiss         // nothing is stored under the key
	ForwardVary            // something is stored, but not for these selecting fields
	ForwardStale           // what is stored is stale
	ForwardPartial         // part of what was asked is not stored
	ForwardRequest         // what is stored is fresh, but the client wants it validated
	ForwardMethod          // the method is not one that a cache answers
	NumForwards
)

// String returns the token of RFC 9211.
func (f Forward) String() string {
	return [...]string{"", "uri-miss", "vary-miss", "stale", "partial", "request", "method"}[f]
}

// Detail is the closed list of reasons for what is neither a plain hit nor a
// plain miss. Its words appear in logs, counters and, where they say nothing
// about tokens, in Cache-Status.
type Detail uint8

// The details.
const (
	DetailNone Detail = iota
	DetailPreflight
	DetailRedirect       // plain HTTP redirected to HTTPS
	DetailBadTarget      // Outcome.Target says why
	DetailFramed         // body or framing where none may be
	DetailUnknownHost    // no site has the host
	DetailMethod         // neither GET, HEAD nor OPTIONS
	DetailDenied         // Outcome.Denied says why
	DetailStale          // served stale while it is validated
	DetailStaleIfError   // served stale because the origin failed
	DetailNotModified    // 304 for the client
	DetailPrecondition   // 412
	DetailUnsatisfiable  // 416
	DetailOriginConnect  // no connection to any origin
	DetailOriginTimeout  // origins too slow
	DetailOriginProtocol // origin broke the protocol
	DetailOriginStatus   // origin answered 5xx
	DetailOriginLoop     // the request came back to this node
	DetailNoMemory       // the RAM tier is pinned by readers
	DetailCut            // the body broke off
	DetailProtocol       // the adapter refused the request (framing, header size)
	DetailInternal       // our own fault: a recovered panic
	DetailOnlyIfCached   // only-if-cached and nothing stored
	DetailTooLarge       // content of an unsafe request over the limit
	DetailSession        // too many requests of one token session at once
	DetailExchange       // redirected to the manifest under a session token
	NumDetails
)

// String returns the detail's stable word.
func (d Detail) String() string {
	return [NumDetails]string{
		"", "preflight", "https-redirect", "bad-target", "framed-body", "unknown-host", "method", "denied", "stale-while-revalidate",
		"stale-if-error", "not-modified", "precondition-failed", "range-not-satisfiable", "origin-connect", "origin-timeout",
		"origin-protocol", "origin-status", "origin-loop", "no-memory", "body-cut", "protocol", "internal", "only-if-cached", "content-too-large", "session-busy",
		"session-redirect",
	}[d]
}

// Outcome is what became of one request. Cache-Status, the log record and the
// counters are all derived from it.
type Outcome struct {
	Status    int
	Hit       bool
	Forward   Forward
	FwdStatus int  // status of the origin's answer, 0 when there was none
	Stored    bool // the response is being stored or was freshened
	Aborted   bool // the client left before the end
	Collapsed bool // followed somebody else's fetch
	HasTTL    bool
	TTL       time.Duration
	Tier      cache.Tier
	Detail    Detail
	Class     media.Class

	Target  target.Reason // with DetailBadTarget
	Checked bool          // a token was looked for
	Denied  auth.Reason   // Allowed unless DetailDenied
	Scheme  string        // token scheme
	Key     string        // id of the signing key

	FromRAM, FromDisk, FromOrigin int64 // body bytes by source
}

// appendCacheStatus appends the Cache-Status value (RFC 9211 §2) to dst. Token
// refusals are not explained there.
func (o *Outcome) appendCacheStatus(dst []byte) []byte {
	dst = append(dst, "edged"...)
	switch {
	case o.Hit:
		dst = append(dst, "; hit"...)
	case o.Forward != ForwardNone:
		dst = append(append(dst, "; fwd="...), o.Forward.String()...)
	}
	if o.FwdStatus != 0 {
		dst = strconv.AppendInt(append(dst, "; fwd-status="...), int64(o.FwdStatus), 10)
	}
	if o.HasTTL {
		dst = strconv.AppendInt(append(dst, "; ttl="...), seconds(o.TTL), 10)
	}
	if o.Stored {
		dst = append(dst, "; stored"...)
	}
	if o.Collapsed {
		dst = append(dst, "; collapsed"...)
	}
	if d := o.publicDetail(); d != "" {
		dst = append(append(dst, "; detail="...), d...)
	}
	return dst
}

// publicDetail is what a client may know: the tier of a hit, or why not.
func (o *Outcome) publicDetail() string {
	switch {
	case o.Detail == DetailDenied || o.Detail == DetailUnknownHost:
		return ""
	case o.Detail != DetailNone:
		return o.Detail.String()
	case o.Tier != cache.TierNone:
		return o.Tier.String()
	}
	return ""
}

// seconds rounds down, so that a lifetime of half a second left reads 0 and a
// stale response is negative.
func seconds(d time.Duration) int64 {
	s := int64(d / time.Second)
	if d < 0 && d%time.Second != 0 {
		s--
	}
	return s
}
