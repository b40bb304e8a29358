package admin

import (
	"encoding/json"
	"math"
	"time"
)

// schema is the version of the JSON. New fields do not change it; a changed or
// removed one does.
const schema = 1

// status is everything that is shown: docs/admin.md explains each field. All
// counts are since the start of the process.
type status struct {
	Schema       int                 `json:"schema"`
	Time         time.Time           `json:"time"`
	Node         nodeStatus          `json:"node"`
	State        string              `json:"state"`  // starting, serving, draining
	Health       level               `json:"health"` // the worst of the findings
	Shape        string              `json:"shape"`  // changes when rows, states or findings do
	Findings     []finding           `json:"findings"`
	Totals       totals              `json:"totals"`
	Rates        rates               `json:"rates"`
	History      historyStatus       `json:"history"`
	Sites        []siteStatus        `json:"sites"`
	Unknown      unknownStatus       `json:"unknown"`
	Cache        cacheStatus         `json:"cache"`
	RAM          ramStatus           `json:"ram"`
	Revocations  *revocationStatus   `json:"revocations"` // null where there is no list
	Disks        []diskStatus        `json:"disks"`
	Log          *logStatus          `json:"access_log"`   // null when turned off
	Ledger       *ledgerStatus       `json:"usage_ledger"` // null without one
	Shipping     *shipStatus         `json:"log_shipping"` // null when turned off
	Connections  connectionStatus    `json:"connections"`
	Certificates []certificateStatus `json:"certificates"`
}

type nodeStatus struct {
	Name    string    `json:"name"`
	Region  string    `json:"region"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Uptime  float64   `json:"uptime_seconds"`
}

// counts are what is counted for every class of a site, and for sums of such.
type counts struct {
	Requests  uint64 `json:"requests"`
	Hits      uint64 `json:"hits"`
	Collapsed uint64 `json:"collapsed"`
	Stale     uint64 `json:"stale"`
	Aborted   uint64 `json:"aborted"`
	Bytes     uint64 `json:"body_bytes"` // sent to clients
	Tiers     tiers  `json:"tiers"`
}

// tiers split requests and body bytes by where they came from.
type tiers struct {
	None   served `json:"none"` // generated here: refusals, preflights, redirects
	RAM    served `json:"ram"`
	Disk   served `json:"disk"`
	Origin served `json:"origin"`
}

type served struct {
	Requests uint64 `json:"requests"`
	Bytes    uint64 `json:"body_bytes"`
}

// summary is what sites and the whole node say beyond counts.
type summary struct {
	counts
	HeaderBytes  uint64 `json:"header_bytes"` // sent to clients beside bodies
	FetchedBytes uint64 `json:"fetched_bytes"`
	Forwarded    uint64 `json:"forwarded"` // requests that the cache could not answer
	Denied       uint64 `json:"denied"`    // for their token
	HitRatio     ratio  `json:"hit_ratio"`
	ByteHitRatio ratio  `json:"byte_hit_ratio"`
}

// totals are the sums over all sites.
type totals struct {
	summary
	Status statusCounts `json:"status"`
}

// statusCounts count responses by first digit.
type statusCounts struct {
	Informational uint64 `json:"1xx"`
	Success       uint64 `json:"2xx"`
	Redirect      uint64 `json:"3xx"`
	ClientError   uint64 `json:"4xx"`
	ServerError   uint64 `json:"5xx"`
}

type siteStatus struct {
	Account string `json:"account"`
	Site    string `json:"site"`
	summary
	Status    statusCounts      `json:"status"`
	Usage     []usageStatus     `json:"usage"`
	Classes   []classStatus     `json:"classes"`
	Forward   map[string]uint64 `json:"forward"`
	Detail    map[string]uint64 `json:"detail"`
	DeniedBy  map[string]uint64 `json:"denied_by"`
	BadTarget map[string]uint64 `json:"bad_target"`
	Origins   []originStatus    `json:"origins"`
}

type classStatus struct {
	Class string `json:"class"`
	counts
}

// unknownStatus counts requests of no site.
type unknownStatus struct {
	Requests  uint64            `json:"requests"`
	Bytes     uint64            `json:"body_bytes"`
	Usage     []usageStatus     `json:"usage"`
	Detail    map[string]uint64 `json:"detail"`
	BadTarget map[string]uint64 `json:"bad_target"`
}

type originStatus struct {
	Origin    string            `json:"origin"` // scheme, host and port
	Up        bool              `json:"up"`
	Requests  uint64            `json:"requests"`
	Connects  uint64            `json:"connects"`
	Reused    uint64            `json:"reused"`
	Retries   uint64            `json:"retries"`
	Skipped   uint64            `json:"skipped"`
	Failed    uint64            `json:"failed"`
	Errors    map[string]uint64 `json:"errors"`
	Bytes     uint64            `json:"received_bytes"`
	Active    int               `json:"active"`
	Idle      int               `json:"idle"`
	FirstByte float64           `json:"first_byte_seconds"`
	LastError *time.Time        `json:"last_error"`
}

type cacheStatus struct {
	Objects   int64  `json:"objects"`
	Fills     int64  `json:"fills"`
	LastPurge uint64 `json:"last_purge"`
	Rules     int    `json:"purge_rules"`
	Widened   uint64 `json:"purge_widened"`
	Purged    int64  `json:"purged_objects"`
}

type revocationStatus struct {
	Number  uint64     `json:"number"`
	Changed *time.Time `json:"changed"`
	Digests int        `json:"tokens_and_sessions"`
	Keys    int        `json:"keys"`
	Dates   int        `json:"dates"`
	Durable bool       `json:"durable"`
	Damaged int        `json:"damaged_lines"`
}

type ramStatus struct {
	Size          int64  `json:"size_bytes"`
	Used          int64  `json:"used_bytes"`
	Resident      int64  `json:"resident_bytes"`
	Pinned        int64  `json:"pinned_bytes"`
	Holes         int64  `json:"holes_bytes"`
	Touched       int64  `json:"touched_bytes"`
	Blocks        int    `json:"blocks"`
	InUse         int    `json:"blocks_in_use"`
	Admitted      uint64 `json:"admitted"`
	GhostHits     uint64 `json:"ghost_hits"`
	Evictions     uint64 `json:"evictions"`
	EvictedBytes  uint64 `json:"evicted_bytes"`
	SlabsMoved    uint64 `json:"slabs_moved"`
	AllocFailures uint64 `json:"alloc_failures"`

	ParkedReaders int    `json:"parked_readers"`
	Parked        int64  `json:"parked_bytes"`
	ParkedMax     int64  `json:"parked_max_bytes"`
	PinsTaken     uint64 `json:"pins_taken"`
	Held          int64  `json:"held_bytes"`
	HeldMax       int64  `json:"held_max_bytes"`
	Passing       int64  `json:"passing_bytes"`
	PassingMax    int64  `json:"passing_max_bytes"`
	FloorsBroken  uint64 `json:"floors_broken"`

	Accounts []ramAccount `json:"accounts"`
}

type ramAccount struct {
	Account  string `json:"account"`
	Resident int64  `json:"resident_bytes"`
	Floor    int64  `json:"floor_bytes"`
}

type diskStatus struct {
	Path     string         `json:"path"`
	Health   string         `json:"health"`     // healthy, read-only, offline, unusable
	Encrypt  string         `json:"encryption"` // off, key, boot; empty when unusable
	Size     int64          `json:"size_bytes"`
	Used     int64          `json:"used_bytes"`
	Objects  int64          `json:"objects"`
	Extents  int            `json:"extents"`
	Entries  int64          `json:"index_entries"`
	Capacity int64          `json:"index_capacity"`
	Evicted  int64          `json:"evicted_extents"`
	Full     int64          `json:"index_full"`
	Reads    diskReads      `json:"reads"`
	Writes   diskWrites     `json:"writes"`
	Wear     diskWear       `json:"wear"`
	Scrub    diskScrub      `json:"scrub"`
	Recovery recoveryStatus `json:"recovery"`
}

type diskReads struct {
	Lookups int64 `json:"lookups"`
	Hits    int64 `json:"hits"`
	Blocks  int64 `json:"blocks"`
	Bytes   int64 `json:"bytes"`
	Errors  int64 `json:"errors"`
	Corrupt int64 `json:"corrupt"`
}

type diskWrites struct {
	Records    int64 `json:"records"`
	Bytes      int64 `json:"bytes"`
	Errors     int64 `json:"errors"`
	Refused    int64 `json:"refused"`
	Dropped    int64 `json:"dropped"`
	Rescued    int64 `json:"rescued"`
	RescuedB   int64 `json:"rescued_bytes"`
	Snapshots  int64 `json:"snapshots"`
	Queued     int   `json:"queued"`
	QueueBytes int64 `json:"queued_bytes"`
	Removals   int64 `json:"pending_removals"`
}

type diskWear struct {
	PerDay int64  `json:"writes_per_day_bytes"` // 0: no limit
	Left   int64  `json:"left_bytes"`
	Admits string `json:"admits"` // everything, second-hit, nothing; empty when unusable
}

type diskScrub struct {
	Bytes     int64      `json:"bytes"`
	Errors    int64      `json:"errors"`
	LastRound *time.Time `json:"last_round"` // null before the first
}

type recoveryStatus struct {
	Clean    bool    `json:"clean"`
	Snapshot bool    `json:"snapshot"`
	Footers  int     `json:"footers"`
	Scanned  int     `json:"scanned"`
	Records  int     `json:"records"`
	Removed  int     `json:"removed"`
	Lost     int     `json:"lost"`
	Seconds  float64 `json:"seconds"`
}

type logStatus struct {
	Offered     int64      `json:"offered"`
	Written     int64      `json:"written"`
	Dropped     int64      `json:"dropped"`
	Oversized   int64      `json:"oversized"`
	Queued      int64      `json:"queued"`
	QueuedBytes int64      `json:"queued_bytes"`
	Bytes       int64      `json:"written_bytes"`
	Closed      int64      `json:"closed_files"`
	Deleted     int64      `json:"deleted_files"`
	TornLines   int64      `json:"torn_lines"`
	MaybeLost   int64      `json:"maybe_lost"`
	Errors      int64      `json:"errors"`
	Files       int64      `json:"files"`
	FileBytes   int64      `json:"file_bytes"`
	Oldest      *time.Time `json:"oldest_file"`
	Failing     string     `json:"failing"`

	Anonymity *anonymityStatus `json:"k_anonymity"` // null when it is off
}

// anonymityStatus counts records of closed files by what k-anonymity did to them.
type anonymityStatus struct {
	K       int   `json:"k"`
	Kept    int64 `json:"kept"`
	Widened int64 `json:"widened"`
	Removed int64 `json:"removed"`
}

type connectionStatus struct {
	Open            int               `json:"open"`
	HTTP            int               `json:"open_http"`
	HTTPS           int               `json:"open_https"`
	Streams         int               `json:"open_streams"`
	Accepted        uint64            `json:"accepted"`
	Shed            uint64            `json:"shed"`
	AcceptErrors    uint64            `json:"accept_errors"`
	Cut             map[string]uint64 `json:"cut"` // handshake, header, idle, slow
	Handshakes      uint64            `json:"tls_handshakes"`
	HandshakeErrors uint64            `json:"tls_handshake_errors"`
	HandshakeQueued uint64            `json:"tls_handshakes_queued"`
	Refused         map[string]uint64 `json:"refused"`
	Panics          uint64            `json:"panics"`
}

type certificateStatus struct {
	Name     string    `json:"name"` // first name it is for
	Names    int       `json:"names"`
	NotAfter time.Time `json:"not_after"`
	DaysLeft int       `json:"days_left"` // whole days, negative once over
}

// ratio is a share between 0 and 1, NaN and in JSON null where there is nothing to
// take a share of.
type ratio float64

// MarshalJSON implements json.Marshaler.
func (r ratio) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(r)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(r))
}

// share is part of whole.
func share(part, whole uint64) ratio {
	if whole == 0 {
		return ratio(math.NaN())
	}
	return ratio(float64(part) / float64(whole))
}
