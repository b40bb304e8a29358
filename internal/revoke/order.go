package revoke

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ErrOrder marks an order that cannot be carried out as it is. The text says why.
var ErrOrder = errors.New("revoke: bad order")

// Order withdraws tokens of one account. Exactly one of Token, Digest, Session, Key
// and Before says which; Key and Before together mean what that key signed before then.
type Order struct {
	Account string
	Token   string // a token as it travels; of scheme ect
	Digest  string // what stands for a token of any scheme: 64 hexadecimal digits
	Session string // sid of tokens
	Key     string // kid; all that it signed, for ever
	// Before withdraws what was issued earlier than this second, Unix time. Tokens
	// that do not say when they were issued count as issued before any date.
	Before int64
	// Until is when the last token that the order can concern has expired, Unix
	// time; then it is forgotten. Needed for tokens and sessions.
	Until int64
	// Lift takes back an earlier order for the same token, session or key.
	Lift bool
}

// kind is what an order names.
type kind string

// The kinds, as they stand in the file.
const (
	kindToken   kind = "token"
	kindSession kind = "session"
	kindKey     kind = "key"
	kindBefore  kind = "before"
)

// id is the digest of a token or of a session and its account.
type id [16]byte

func tokenID(token string) id {
	sum := sha256.Sum256([]byte(token))
	return id(sum[:])
}

// sessionID keeps equal session ids of two accounts apart.
func sessionID(account string, session []byte) id {
	var room [256]byte
	text := append(append(append(room[:0], account...), 0), session...)
	sum := sha256.Sum256(text)
	return id(sum[:])
}

// line is an order as it stands in the file.
type line struct {
	Number  uint64 `json:"n"`
	At      int64  `json:"at"` // when it was given, Unix seconds
	Account string `json:"account"`
	Kind    kind   `json:"kind"`
	ID      string `json:"id,omitempty"`  // hexadecimal digest
	Key     string `json:"key,omitempty"` // kid
	Before  int64  `json:"before,omitempty"`
	Until   int64  `json:"until,omitempty"`
	Lift    bool   `json:"lift,omitempty"`
}

// line checks the order and gives it its form in the file.
func (o *Order) line(now time.Time) (line, error) {
	l := line{At: now.Unix(), Account: o.Account, Before: o.Before, Until: o.Until, Lift: o.Lift}
	named := 0
	for _, given := range []struct {
		text string
		kind kind
	}{{o.Token, kindToken}, {o.Digest, kindToken}, {o.Session, kindSession}, {o.Key, kindKey}} {
		if given.text != "" {
			named++
			l.Kind = given.kind
		}
	}
	if named == 0 && o.Before != 0 {
		named, l.Kind = 1, kindBefore
	}
	switch {
	case o.Account == "":
		return l, fmt.Errorf("%w: say of which account", ErrOrder)
	case named != 1:
		return l, fmt.Errorf("%w: name one token, session or key, or a date of issue", ErrOrder)
	case o.Before < 0 || o.Before != 0 && l.Kind != kindBefore && l.Kind != kindKey:
		return l, fmt.Errorf("%w: a date of issue goes with an account or a key", ErrOrder)
	case (l.Kind == kindToken || l.Kind == kindSession) && !o.Lift && o.Until <= now.Unix():
		return l, fmt.Errorf("%w: until when? Tokens that have expired need no revocation", ErrOrder)
	}
	return l, l.name(o)
}

// name puts in what the order names.
func (l *line) name(o *Order) error {
	switch {
	case o.Token != "":
		l.ID = hexID(tokenID(o.Token))
	case o.Digest != "":
		sum, err := hex.DecodeString(o.Digest)
		if err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("%w: a digest is 64 hexadecimal digits", ErrOrder)
		}
		l.ID = hexID(id(sum[:len(id{})]))
	case o.Session != "":
		l.ID = hexID(sessionID(o.Account, []byte(o.Session)))
	}
	l.Key = o.Key
	return nil
}

func hexID(v id) string { return hex.EncodeToString(v[:]) }

// digest returns the id of a line, false when it is none.
func (l *line) digest() (v id, ok bool) {
	b, err := hex.DecodeString(l.ID)
	if err != nil || len(b) != len(v) {
		return v, false
	}
	return id(b), true
}
