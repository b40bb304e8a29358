package auth

// Reason says why a request was allowed or refused. The list is closed, for it
// is the vocabulary of log lines and metrics. Clients never see it.
//
// Reasons are declared in the order of the checks, so of several refused tokens
// the one with the highest reason came closest to being allowed.
type Reason uint8

// The reasons.
const (
	Allowed      Reason = iota
	Missing             // the site requires a token and there is none
	TwoPlaces           // a token in the path and one in the query
	Duplicate           // more tokens in one place than may be there
	Malformed           // not the form of a token
	Oversized           // longer than MaxTokenSize
	UnknownKey          // no such key id
	KeyMismatch         // the token's version does not fit the type of its key
	WrongAccount        // the key belongs to another account
	KeyRevoked          // the key is revoked
	KeyRetired          // the time until which a retiring key is accepted has passed
	BadSignature        // the signature is not the key's over these bytes
	BadClaim            // signed, but a claim is missing, doubled or cannot be read
	UnknownClaim        // signed, but with a claim this version does not know
	LongTime            // a time of more than ten digits: milliseconds, most often
	Audience            // the token is for another audience
	Expired             // now is the token's exp or later
	NotYet              // now is before the token's nbf, leeway included
	TooLong             // the token lives longer than the account allows
	OutOfScope          // no scope of the token covers the path
	Method              // the method is not among those the token allows
	Address             // the client is in none of the token's networks
	Protocol            // the client's protocol is not among those the token allows
	Field               // a header field is not what the token asks for
	Country             // the client's country is not among the token's, or unknown
	Revoked             // token, session or issue date is revoked
	NumReasons          // number of reasons, for arrays of counters
)

// reasonTable holds the word and the explanation of each reason. The words are
// stable, for dashboards and scripts depend on them. It is never written to.
var reasonTable = [NumReasons][2]string{
	Allowed:      {"allowed", "the token allows this request, or the site needs none"},
	Missing:      {"missing", "the site requires a token and the request has none"},
	TwoPlaces:    {"two_places", "there is a token in the path and one in the query; send one"},
	Duplicate:    {"duplicate", "the token occurs more than once in the path or query, or in too many cookies"},
	Malformed:    {"malformed", "this is not the form of a token, or its parameter is spelled in another way: names are exact, base64 and hexadecimal have one spelling"},
	Oversized:    {"oversized", "the token is longer than its scheme allows"},
	UnknownKey:   {"unknown_key", "no signing key of this id is configured"},
	KeyMismatch:  {"key_mismatch", "the token's algorithm or issuer is not that of its key; for ect h1 is hmac-sha256, d1 ed25519"},
	WrongAccount: {"wrong_account", "the signing key belongs to another account than the site"},
	KeyRevoked:   {"key_revoked", "the signing key is revoked"},
	KeyRetired:   {"key_retired", "the signing key is retired and its accept_until has passed"},
	BadSignature: {"bad_signature", "the signature does not match: another secret, or the token was changed"},
	BadClaim:     {"bad_claim", "the signature is right, but a claim is missing, doubled or cannot be read"},
	UnknownClaim: {"unknown_claim", "the signature is right, but a claim is unknown; private ones begin with x-"},
	LongTime:     {"long_time", "a time has more than ten digits; times are in seconds, not milliseconds"},
	Audience:     {"audience", "the token is for another audience than this site"},
	Expired:      {"expired", "the token has expired"},
	NotYet:       {"not_yet", "the token is not valid yet"},
	TooLong:      {"too_long", "the token lives longer than max_lifetime of the site allows"},
	OutOfScope:   {"out_of_scope", "the token does not cover this URL; a directory scope of ect ends in /"},
	Method:       {"method", "the token does not allow this method"},
	Address:      {"address", "the client address is in none of the token's networks"},
	Protocol:     {"protocol", "the client's protocol (ALPN) is unknown or not among the token's"},
	Field:        {"field", "a header field of the request is not what the token asks for"},
	Country:      {"country", "the client's country is unknown or not among the token's"},
	Revoked:      {"revoked", "the token, its session or its issue date is revoked"},
}

// String returns the reason's word, stable and in snake_case.
func (r Reason) String() string {
	if r >= NumReasons {
		return "unknown"
	}
	return reasonTable[r][0]
}

// Text explains the reason to an operator in half a sentence.
func (r Reason) Text() string {
	if r >= NumReasons {
		return "unknown reason"
	}
	return reasonTable[r][1]
}
