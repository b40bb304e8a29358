package auth

import (
	"fmt"
	"math"
	"time"
)

// Defaults of Options.
const (
	DefaultMaxLifetime = 24 * time.Hour
	DefaultNBFLeeway   = 30 * time.Second
)

// Options configure the tokens of one site.
type Options struct {
	// Account owns the site. Keys of other accounts may be among Keys; they never
	// open it, but name themselves in the log.
	Account string
	// Site is the site's name within the account. Session tokens are for it.
	Site string
	// Required makes the site refuse requests without a good token. Otherwise a
	// token, good or bad, is cut out and not looked at.
	Required bool
	// Keys may be for several schemes, see Key.Scheme. New hands each its own.
	Keys []Key
	// Accept names further schemes whose tokens are as good, for a migration.
	Accept []string
	// MaxLifetime bounds how far in the future exp may be. 0 means
	// DefaultMaxLifetime, a negative value no bound. Whole seconds.
	MaxLifetime time.Duration
	// NBFLeeway forgives clocks of minting machines that run fast. 0 means
	// DefaultNBFLeeway, a negative value none. Whole seconds.
	NBFLeeway time.Duration
	// WithoutExpiry accepts tokens that never expire, of the schemes that have such.
	WithoutExpiry bool
	// Revocations may be nil.
	Revocations Revocations
	// Signatures is shared by all sites. Nil means that each public-key signature
	// is checked anew, unless VerifiedCache is set.
	Signatures *Signatures
	// VerifiedCache, when Signatures is nil and it is above 0, gives an ECT a
	// store of its own for so many signatures.
	VerifiedCache int

	// What the schemes of these names want to know.
	SecureLink SecureLinkOptions
	VDOX       VDOXOptions
	Bunny      BunnyOptions
	URLSig     URLSigOptions
	MediaCDN   MediaCDNOptions
	CDN77      CDN77Options
	Gcore      GcoreOptions
	Wowza      WowzaOptions
	Fastly     FastlyOptions
	EdgeAuth   EdgeAuthOptions
	CDNI       CDNIOptions
	CAT        CATOptions

	signers []Key // all of Keys, where those are one scheme's already
}

// SettingError is a setting of a scheme that cannot work.
type SettingError struct {
	Setting string // its dotted name in a site's token table, e.g. "secure_link.md5"
	Text    string // what is wrong and what to write instead
}

// Error implements error.
func (e *SettingError) Error() string { return "auth: " + e.Setting + ": " + e.Text }

func settingf(setting, format string, args ...any) error {
	return &SettingError{setting, fmt.Sprintf(format, args...)}
}

// lifetime returns the bound of MaxLifetime in seconds. Without one it is larger
// than any time of ten digits, and still far from an overflow.
func lifetime(d time.Duration) int64 {
	if d < 0 {
		return math.MaxInt64 / 4
	}
	return seconds(d, DefaultMaxLifetime)
}

func seconds(d, fallback time.Duration) int64 {
	if d == 0 {
		d = fallback
	}
	return max(0, int64(d/time.Second))
}
