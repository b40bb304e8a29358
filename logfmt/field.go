package logfmt

// Kind is the type of a field: how its value is written and read.
type Kind uint8

// The kinds of values.
const (
	KindTime      Kind = iota // moment in UTC with milliseconds
	KindText                  // any bytes, percent-escaped (see FORMAT.md)
	KindAddress               // client address as the address mode leaves it
	KindAgent                 // word out of the closed set of agent families
	KindStatus                // integer, missing when 0
	KindCount                 // integer, never missing
	KindMicros                // microseconds, rounded up, missing when 0
	KindSeconds               // integer, missing when unknown
	KindFlag                  // 1 or 0 in W3C, true or false in JSON
	KindRange                 // FIRST-LAST, both inclusive, missing when none
	KindSession               // hash of a token's session id
	KindCMCD                  // keys and values in CMCD's own form, out of a closed list
	KindRendition             // what [RenditionOf] finds in the path; a reader asks it, too
)

// String returns the word that FORMAT.md uses.
func (k Kind) String() string {
	return [...]string{
		"time", "text", "address", "agent", "status", "count", "µs", "seconds", "flag", "range",
		"session", "cmcd", "rendition",
	}[k]
}

// Field is one row of the table that the encoders, the readers, FORMAT.md and the
// privacy report follow.
type Field struct {
	W3C     string // identifier in #Fields; the time has two, for two columns
	JSON    string // key
	Kind    Kind   // form of the value
	Meaning string // one line
	// Transform is what was done to the value before it was written, "" when it never
	// held anything of a person.
	Transform string
	// Lifetime is what ends what the value could tell of a person, beside the
	// retention that ends every file; "" when there is nothing beside it.
	Lifetime string

	id   fieldID
	part part // of a binary block
}

// Fields returns the table in the order of the columns.
func Fields() []Field { return append([]Field(nil), fields[:]...) }

// fieldID names a field for the accessors of Record.
type fieldID uint8

// The fields in the order of the columns. Those from fieldRun on are known only
// when a record goes to disk: the writer appends them to what Write encoded.
const (
	fieldTime fieldID = iota
	fieldNode
	fieldAccount
	fieldSite
	fieldClient
	fieldMethod
	fieldHost
	fieldPath
	fieldQuery
	fieldRange
	fieldStatus
	fieldBytesSent
	fieldWireBytes
	fieldFirstByte
	fieldDuration
	fieldAborted
	fieldHit
	fieldForward
	fieldStored
	fieldCollapsed
	fieldTTL
	fieldTier
	fieldRAM
	fieldDisk
	fieldOrigin
	fieldClass
	fieldRendition
	fieldProtocol
	fieldTLS
	fieldScheme
	fieldKey
	fieldVerdict
	fieldSession
	fieldError
	fieldReferrer
	fieldAgent
	fieldUserAgent
	fieldCMCD
	fieldTrace
	fieldRun
	fieldDropped
	fieldNumber
	numFields
)

// fields is the table. It is never written to, as is all that is made from it.
var fields = withIDs([numFields]Field{
	fieldTime:      {W3C: "date time", JSON: "time", Kind: KindTime, Meaning: "arrival of the request, UTC"},
	fieldNode:      {W3C: "x-node", JSON: "node", Kind: KindText, part: partBlock, Meaning: "edge node that answered"},
	fieldAccount:   {W3C: "x-account", JSON: "account", Kind: KindText, part: partOwner, Meaning: "customer account to bill"},
	fieldSite:      {W3C: "x-site", JSON: "site", Kind: KindText, part: partOwner, Meaning: "site of the account that the host belongs to"},
	fieldClient:    {W3C: "c-ip", JSON: "client", Kind: KindAddress, Transform: "struck, hashed or left out as `address` says", Lifetime: "of a pseudonym the key lives in memory for an hour or a day (`log.pseudonym_key`)", Meaning: "client address"},
	fieldMethod:    {W3C: "cs-method", JSON: "method", Kind: KindText, part: partKind, Meaning: "request method"},
	fieldHost:      {W3C: "cs-host", JSON: "host", Kind: KindText, part: partOwner, Meaning: "canonical host"},
	fieldPath:      {W3C: "cs-uri-stem", JSON: "path", Kind: KindText, Transform: "token and query cut off", Meaning: "canonical, decoded path"},
	fieldQuery:     {W3C: "cs-uri-query", JSON: "query", Kind: KindText, Transform: "only parameters that the site lists in `log.query`", Meaning: "query parameters, not decoded"},
	fieldRange:     {W3C: "x-range", JSON: "range", Kind: KindRange, Meaning: "byte range asked for"},
	fieldStatus:    {W3C: "sc-status", JSON: "status", Kind: KindStatus, part: partKind, Meaning: "status code sent"},
	fieldBytesSent: {W3C: "sc-bytes", JSON: "bytes", Kind: KindCount, Meaning: "body bytes sent"},
	fieldWireBytes: {W3C: "x-wire-bytes", JSON: "wire_bytes", Kind: KindCount, Meaning: "body, header and framing bytes sent, before TLS; framing of HTTP/2 and 3 not counted"},
	fieldFirstByte: {W3C: "x-first-byte-us", JSON: "first_byte_us", Kind: KindMicros, Meaning: "arrival until the header was handed over"},
	fieldDuration:  {W3C: "x-duration-us", JSON: "duration_us", Kind: KindMicros, Meaning: "arrival until the last byte was handed over"},
	fieldAborted:   {W3C: "x-aborted", JSON: "aborted", Kind: KindFlag, part: partKind, Meaning: "the client left, or was cut, before the end"},
	fieldHit:       {W3C: "x-cache-hit", JSON: "hit", Kind: KindFlag, part: partKind, Meaning: "served without going forward (RFC 9211)"},
	fieldForward:   {W3C: "x-cache-fwd", JSON: "fwd", Kind: KindText, part: partKind, Meaning: "why the request went forward (RFC 9211)"},
	fieldStored:    {W3C: "x-cache-stored", JSON: "stored", Kind: KindFlag, part: partKind, Meaning: "the response was stored (RFC 9211)"},
	fieldCollapsed: {W3C: "x-cache-collapsed", JSON: "collapsed", Kind: KindFlag, part: partKind, Meaning: "shared the fetch of another request (RFC 9211)"},
	fieldTTL:       {W3C: "x-cache-ttl", JSON: "ttl", Kind: KindSeconds, Meaning: "freshness left, negative when stale (RFC 9211)"},
	fieldTier:      {W3C: "x-tier", JSON: "tier", Kind: KindText, part: partKind, Meaning: "slowest place needed: ram, disk, origin or none"},
	fieldRAM:       {W3C: "x-ram-bytes", JSON: "ram_bytes", Kind: KindCount, Meaning: "body bytes read from RAM"},
	fieldDisk:      {W3C: "x-disk-bytes", JSON: "disk_bytes", Kind: KindCount, Meaning: "body bytes read from disk"},
	fieldOrigin:    {W3C: "x-origin-bytes", JSON: "origin_bytes", Kind: KindCount, Meaning: "body bytes read from the origin"},
	fieldClass:     {W3C: "x-class", JSON: "class", Kind: KindText, part: partKind, Meaning: "media class: manifest, segment, init, …"},
	fieldRendition: {W3C: "x-rendition", JSON: "rendition", Kind: KindRendition, part: partPath, Meaning: "resolution or bitrate that the path names"},
	fieldProtocol:  {W3C: "cs-version", JSON: "protocol", Kind: KindText, part: partViewer, Meaning: "HTTP version"},
	fieldTLS:       {W3C: "x-tls", JSON: "tls", Kind: KindText, part: partViewer, Meaning: "TLS version, missing on plain HTTP"},
	fieldScheme:    {W3C: "x-token-scheme", JSON: "token_scheme", Kind: KindText, part: partOwner, Meaning: "token scheme of the site"},
	fieldKey:       {W3C: "x-token-key", JSON: "token_key", Kind: KindText, part: partOwner, Transform: "only the id of a key that the site has", Meaning: "id of the signing key"},
	fieldVerdict:   {W3C: "x-token-verdict", JSON: "token_verdict", Kind: KindText, part: partKind, Meaning: "reason of the token's verdict"},
	fieldSession:   {W3C: "x-session", JSON: "session", Kind: KindSession, Transform: "keyed hash; left out with `none`", Lifetime: "the key lives in memory for an hour or a day (`log.pseudonym_key`)", Meaning: "session id (sid) of the token"},
	fieldError:     {W3C: "x-error", JSON: "error", Kind: KindText, part: partKind, Meaning: "reason of a failure at the edge or the origin"},
	fieldReferrer:  {W3C: "x-referrer", JSON: "referrer", Kind: KindText, part: partOwner, Transform: "host only, never an address literal", Meaning: "host of the page that asked"},
	fieldAgent:     {W3C: "x-agent", JSON: "agent", Kind: KindAgent, part: partViewer, Transform: "family only", Meaning: "user agent family"},
	fieldUserAgent: {W3C: "cs(User-Agent)", JSON: "user_agent", Kind: KindText, Transform: "only with `log.user_agent = \"full\"`, 512 bytes at most", Meaning: "User-Agent as it came"},
	fieldCMCD:      {W3C: "cs-cmcd", JSON: "cmcd", Kind: KindCMCD, Transform: "numbers and one-letter words of a closed list; no ids", Meaning: "what the player tells (CTA-5004)"},
	fieldTrace:     {W3C: "x-trace", JSON: "trace", Kind: KindText, Meaning: "X-Request-Id of the response"},
	fieldRun:       {W3C: "x-run", JSON: "run", Kind: KindCount, part: partBlock, Meaning: "start of the writing process, Unix ms"},
	fieldDropped:   {W3C: "x-dropped", JSON: "dropped", Kind: KindCount, part: partBlock, Meaning: "records lost since the previous line"},
	fieldNumber:    {W3C: "x-seq", JSON: "seq", Kind: KindCount, part: partBlock, Meaning: "number in the run, lost records counted"},
})

func withIDs(rows [numFields]Field) [numFields]Field {
	for i := range rows {
		rows[i].id = fieldID(i)
	}
	return rows
}

// keys is what encoding needs of the table, packed: walking the rows themselves
// costs a cache line or two a field.
var keys = keysOf(&fields)

// keysOf returns how a member begins in JSON: `,"key":`.
func keysOf(rows *[numFields]Field) (keys [numFields]string) {
	for i := range rows {
		keys[i] = `,"` + rows[i].JSON + `":`
	}
	return keys
}
