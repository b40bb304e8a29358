package config

import (
	"cmp"
	"os"
	"path/filepath"
	"time"

	"edged/auth"
)

// Config is the whole configuration, as DESIGN names its keys.
type Config struct {
	Include []string `toml:"include"` // more files that hold [[site]] tables; globs, relative to this file
	Node    Node     `toml:"node"`
	Listen  Listen   `toml:"listen"`
	TLS     TLS      `toml:"tls"`
	RAM     RAM      `toml:"ram"`
	Disks   []Disk   `toml:"disk"`
	Log     Log      `toml:"log"`
	Usage   Usage    `toml:"usage"`
	Geo     Geo      `toml:"geo"`
	Sites   []Site   `toml:"site"`
}

// Node names this machine.
type Node struct {
	Name   string `toml:"name"`   // in logs, Via and CDN-Loop; default is the host name
	Region string `toml:"region"` // where it stands, e.g. "EU"
	State  string `toml:"state"`  // see Config.StateDir
}

// Listen says where to accept connections.
type Listen struct {
	HTTP  []string `toml:"http"`  // plain HTTP/1.1
	HTTPS []string `toml:"https"` // TLS with HTTP/1.1 and HTTP/2
	HTTP3 bool     `toml:"http3"` // not built yet: true is an error
	Admin string   `toml:"admin"` // host:port, or the path of a unix socket
	// AdminTokenFile is for the bearer token of an admin API that other machines may
	// use. Not built yet: a path is an error.
	AdminTokenFile string `toml:"admin_token_file"`
	MaxConnections int    `toml:"max_connections"` // over all listeners; more are refused
}

// TLS is for the listeners of [Listen].HTTPS.
type TLS struct {
	Certificates []Certificate `toml:"certificates"`
}

// Certificate is a pair of PEM files.
type Certificate struct {
	Cert string `toml:"cert"`
	Key  string `toml:"key"`
}

// RAM sizes the memory tier.
type RAM struct {
	Size      Size `toml:"size"`       // bytes of the arena, outside the Go heap
	HugePages bool `toml:"huge_pages"` // ask the kernel for them
	Prefault  bool `toml:"prefault"`   // touch all of it in the background after the start
}

// Disk is one directory of the disk tier.
type Disk struct {
	Path    string `toml:"path"`
	Size    Size   `toml:"size"`
	Encrypt string `toml:"encrypt"` // off, key, boot: who can read what it stores
	// WritesPerDay bounds what is written; the default is as much as Size, once a
	// day. "off" is no limit.
	WritesPerDay Allowance `toml:"writes_per_day"`
	KeyFile      string    `toml:"key_file"` // of encrypt = "key": 32 bytes, hexadecimal, one line; not readable by everybody

	Key []byte `toml:"-"` // what KeyFile holds, set by Load
}

// Log is the access log and the level of the error log.
type Log struct {
	Dir       string   `toml:"dir"`        // "" turns the access log off
	Format    string   `toml:"format"`     // w3c, json, binary
	Address   string   `toml:"address"`    // strike, pseudonym, full, none
	UserAgent string   `toml:"user_agent"` // family, full
	Retention Duration `toml:"retention"`
	// PseudonymKey is how long the key of pseudonyms and session hashes lives: hour, day.
	PseudonymKey string   `toml:"pseudonym_key"`
	MaxSize      Size     `toml:"max_size"` // a file is closed when it is this large
	MaxAge       Duration `toml:"max_age"`  // or this old
	MaxTotal     Size     `toml:"max_total"`
	Compress     string   `toml:"compress"` // none, zstd, gzip: closed files
	// KAnonymity is the least number of viewers that must share what a closed file tells
	// of one; 0 for none.
	KAnonymity int    `toml:"k_anonymity"`
	Level      string `toml:"level"` // of the error log: debug, info, warn, error
	Ship       Ship   `toml:"ship"`
}

// Ship pushes closed log files to where logs are gathered.
type Ship struct {
	URL        string `toml:"url"`         // files are put below it; "" pushes none
	S3Region   string `toml:"s3_region"`   // with one, requests are signed for S3-compatible storage
	S3KeyID    string `toml:"s3_key_id"`   // who signs
	SecretFile string `toml:"secret_file"` // one line: the key that signs, else a bearer token
	Delete     bool   `toml:"delete"`      // files that were acknowledged
	CAFile     string `toml:"ca_file"`     // authorities beside the system's
	ClientCert string `toml:"client_cert"` // who the node is for the target, with ClientKey
	ClientKey  string `toml:"client_key"`

	Secret string `toml:"-"` // what SecretFile holds, set by Load
}

// Usage is the ledger of what customers are billed for, kept in Config.StateDir.
type Usage struct {
	Retention Duration `toml:"retention"`
}

// Geo names files in the MaxMind DB format that say where addresses are. They are read
// at start and on reload.
type Geo struct {
	CountryFile string `toml:"country_file"` // for tokens bound to countries
	ASNFile     string `toml:"asn_file"`     // for tokens bound to autonomous systems
}

// Site is one customer's hosts and how they are served.
type Site struct {
	Account string   `toml:"account"`
	Name    string   `toml:"name"` // default: the first host
	Hosts   []string `toml:"hosts"`
	Origins []string `toml:"origins"`
	Regions []string `toml:"regions"` // node regions that may serve the site; empty is any
	Token   Token    `toml:"token"`
	Origin  Origin   `toml:"origin"`
	Query   Query    `toml:"query"`
	CORS    CORS     `toml:"cors"`
	Log     SiteLog  `toml:"log"`

	ForwardHeaders   []string `toml:"forward_headers"`   // request fields the origin gets; responses may vary on these
	ClientDirectives bool     `toml:"client_directives"` // honour viewers' Cache-Control
	Methods          []string `toml:"methods"`           // unsafe methods passed on to the origin
	Disk             string   `toml:"disk"`              // always, second-hit, never: when responses go to disk
	Cookies          string   `toml:"cookies"`           // strip, refuse, keep: responses that set cookies
	SurrogateKeys    string   `toml:"surrogate_keys"`    // strip, pass: what viewers see of them
	RedirectHTTPS    bool     `toml:"redirect_https"`
	HSTS             Duration `toml:"hsts"`      // max-age of Strict-Transport-Security; 0 for none
	RAMFloor         Share    `toml:"ram_floor"` // of [RAM].Size: what other accounts cannot evict

	place place
}

// Token is the site's access control.
type Token struct {
	Required    bool     `toml:"required"`
	Scheme      string   `toml:"scheme"` // a name of auth.Names
	Carry       string   `toml:"carry"`  // none, path, query, cookie, define: from manifests to segments
	Session     Session  `toml:"session"`
	Accept      []string `toml:"accept"` // further schemes, while a customer moves
	MaxLifetime Duration `toml:"max_lifetime"`
	NBFLeeway   Duration `toml:"nbf_leeway"`
	// SessionRequests bounds the requests under way of one token session; 0 is no bound.
	SessionRequests int `toml:"session_requests"`
	// WithoutExpiry accepts tokens that never expire, of schemes that have such.
	WithoutExpiry bool  `toml:"without_expiry"`
	Keys          []Key `toml:"key"`

	Schemes
}

// Session is the second stage: tokens of requests for manifests are exchanged for those of
// a key of the edge.
type Session struct {
	KeyID    string   `toml:"kid"`      // one of Token.Keys, of type hmac-sha256; "" for no exchange
	For      Duration `toml:"for"`      // how long a session token lives
	Redirect bool     `toml:"redirect"` // to the manifest under the session token
	Scope    string   `toml:"scope"`    // token, folder: what it opens, where the token is for the manifest alone
}

// Key is one signing key. Exactly one field of its material is set, a secret for the
// types both sides share, else a public key.
type Key struct {
	ID          string    `toml:"kid"`
	Name        string    `toml:"name"`   // what the scheme calls the key, if not its kid
	Scheme      string    `toml:"scheme"` // the only one the key is for; "" is any of the site
	Issuer      string    `toml:"issuer"` // the only iss of its tokens, for schemes with one
	Type        string    `toml:"type"`
	State       string    `toml:"state"`        // next, active, retiring, revoked
	AcceptUntil time.Time `toml:"accept_until"` // end of a retiring key

	SecretHex    string `toml:"secret_hex"`
	SecretText   string `toml:"secret_text"`   // the bytes as they are
	SecretBase64 string `toml:"secret_base64"` // either alphabet, padded or not
	SecretFile   string `toml:"secret_file"`   // one line; not readable by everybody
	Encoding     string `toml:"encoding"`      // of secret_file: hex, text, base64
	PublicHex    string `toml:"public_hex"`    // ed25519 only
	PublicPEM    string `toml:"public_pem"`
	PublicFile   string `toml:"public_file"` // PEM, or hexadecimal for ed25519

	JWKSFile string `toml:"jwks_file"` // a set of keys (RFC 7517) instead of kid, type and material

	Parsed auth.Key   `toml:"-"` // set by Load, of one key
	Set    []auth.Key `toml:"-"` // set by Load, of JWKSFile
}

// Origin tunes how the site's origins are asked.
type Origin struct {
	Host               string   `toml:"host"` // Host field; default is that of the URL
	ConnectTimeout     Duration `toml:"connect_timeout"`
	FirstByteTimeout   Duration `toml:"first_byte_timeout"`
	HoldTimeout        Duration `toml:"hold_timeout"` // instead of it for LL-HLS blocking reloads
	IdleTimeout        Duration `toml:"idle_timeout"`
	TotalTimeout       Duration `toml:"total_timeout"`
	MinRate            Size     `toml:"min_rate"` // bytes a second
	MaxConnections     int      `toml:"max_connections"`
	CAFile             string   `toml:"ca_file"`
	InsecureSkipVerify bool     `toml:"insecure_skip_verify"`
	Errors             string   `toml:"errors"` // replace, pass: what viewers get of its 5xx
}

// Query says which parameters count for the cache key. Only those reach the origin.
type Query struct {
	Mode  string   `toml:"mode"` // all, none, allow, deny
	Names []string `toml:"names"`
	Sort  bool     `toml:"sort"`
}

// CORS says which pages may read responses.
type CORS struct {
	Origins     []string `toml:"origins"`
	Credentials bool     `toml:"credentials"`
}

// StateDir returns the directory for what must outlive the process beside cache and
// logs, such as revocations: where the configuration or else systemd says, else beside
// the access log. "" is nowhere.
func (c *Config) StateDir() string {
	given := cmp.Or(c.Node.State, os.Getenv("STATE_DIRECTORY"))
	if given == "" && c.Log.Dir != "" {
		return filepath.Join(c.Log.Dir, "state")
	}
	return given
}

// AuditName is the record of operators' orders in Config.StateDir.
const AuditName = "audit.log"

// LedgerName is the directory of the usage ledger in Config.StateDir.
const LedgerName = "usage"

// SiteLog says what the access log may hold of the site's requests.
type SiteLog struct {
	Address   string   `toml:"address"`    // "" is log.address; else the same or stricter
	Query     []string `toml:"query"`      // parameters that are logged
	UserAgent string   `toml:"user_agent"` // "" is log.user_agent; else the same or "family"
}

// Default returns the configuration of an empty file.
func Default() *Config {
	return &Config{
		Node:   Node{Region: "EU"},
		Listen: Listen{HTTP: []string{"0.0.0.0:80"}, Admin: "127.0.0.1:8090", MaxConnections: 200_000},
		RAM:    RAM{Size: 1 << 30, HugePages: true, Prefault: true},
		Usage:  Usage{Retention: Duration(425 * 24 * time.Hour)},
		Log: Log{
			Dir: "/var/log/edged", Format: "w3c", Address: "strike", UserAgent: "family", Level: "info",
			PseudonymKey: "day", Compress: "none", Retention: Duration(7 * 24 * time.Hour), MaxSize: 256 << 20, MaxAge: Duration(time.Hour),
		},
	}
}

// defaultSite returns what a [[site]] table starts from.
func defaultSite() Site {
	return Site{
		Token: Token{
			Carry: "none", Session: Session{For: Duration(6 * time.Hour), Redirect: true, Scope: "token"},
			Scheme: "ect", MaxLifetime: Duration(24 * time.Hour), NBFLeeway: Duration(30 * time.Second),
			Schemes: defaultSchemes(),
		},
		Origin: Origin{
			ConnectTimeout: Duration(2 * time.Second), FirstByteTimeout: Duration(10 * time.Second),
			HoldTimeout: Duration(30 * time.Second), IdleTimeout: Duration(10 * time.Second),
			TotalTimeout: Duration(time.Hour), MinRate: 1 << 10, MaxConnections: 512, Errors: "replace",
		},
		Query:   Query{Mode: "all"},
		Cookies: "strip", SurrogateKeys: "strip",
		Disk: "always",
	}
}
