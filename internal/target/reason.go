package target

// Reason says why a target or host was refused. It is a closed enumeration: its
// words are log and metric vocabulary and do not change.
type Reason uint8

// The reasons. OK is the zero value and means that nothing was refused.
const (
	OK            Reason = iota
	Empty                // no octets at all
	AsteriskForm         // "*", the target of a server-wide OPTIONS
	AuthorityForm        // "host:port", the target of CONNECT
	RelativeForm         // neither origin-form nor absolute-form
	BadScheme            // absolute-form of a scheme other than http and https
	NoPath               // absolute-form without a path; clients must send "/"
	Fragment             // '#' in the target
	RawByte              // an octet ≥ 0x80 or a space that is not percent-encoded
	ControlByte          // a control character, raw or decoded (C0, DEL, C1)
	RawQuery             // '?' in what should be a path alone
	BadEscape            // '%' that two hexadecimal digits do not follow
	EncodedSlash         // %2F
	Backslash            // '\', raw or as %5C
	DoubleEncoded        // the decoded path holds a %HH
	DotSegment           // "." or ".." once parameters (";…") are set aside
	EmptySegment         // "//", or a segment of parameters only
	NotUTF8              // the decoded path is not UTF-8
	NoHost               // empty host
	BadHost              // not a registered name, IPv4 address or bracketed IPv6 address
	BadPort              // port is not a number up to 65535

	// NumReasons is the number of reasons, for tables of counters.
	NumReasons = int(iota)
)

// String returns the stable snake_case word of the reason.
func (r Reason) String() string {
	words := [NumReasons]string{
		OK:            "ok",
		Empty:         "empty",
		AsteriskForm:  "asterisk_form",
		AuthorityForm: "authority_form",
		RelativeForm:  "relative_form",
		BadScheme:     "bad_scheme",
		NoPath:        "no_path",
		Fragment:      "fragment",
		RawByte:       "raw_byte",
		ControlByte:   "control_byte",
		RawQuery:      "raw_query",
		BadEscape:     "bad_escape",
		EncodedSlash:  "encoded_slash",
		Backslash:     "backslash",
		DoubleEncoded: "double_encoded",
		DotSegment:    "dot_segment",
		EmptySegment:  "empty_segment",
		NotUTF8:       "not_utf8",
		NoHost:        "no_host",
		BadHost:       "bad_host",
		BadPort:       "bad_port",
	}
	if int(r) >= NumReasons {
		return "unknown"
	}
	return words[r]
}
