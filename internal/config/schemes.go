package config

import (
	"time"

	"edged/auth"
)

// Schemes are the tables of a site's token schemes. Those of schemes that the site
// does not have mean nothing.
type Schemes struct {
	SecureLink SecureLink `toml:"secure_link"`
	VDOX       VDOX       `toml:"vdox"`
	Bunny      Bunny      `toml:"bunny"`
	URLSig     URLSig     `toml:"url_sig"`
	MediaCDN   MediaCDN   `toml:"media_cdn"`
	CDN77      CDN77      `toml:"cdn77"`
	Gcore      Gcore      `toml:"gcore"`
	Wowza      Wowza      `toml:"wowza"`
	Fastly     Fastly     `toml:"fastly"`
	EdgeAuth   EdgeAuth   `toml:"edgeauth"`
	CDNI       CDNI       `toml:"cdni"`
	CAT        CAT        `toml:"cat"`
}

// SecureLink is for scheme secure-link, see [auth.SecureLinkOptions].
type SecureLink struct {
	Link     string `toml:"link"`
	MD5      string `toml:"md5"`
	Location string `toml:"location"`
}

// VDOX is for scheme vdox, see [auth.VDOXOptions].
type VDOX struct {
	Validity  Duration `toml:"validity"`
	MaxFuture Duration `toml:"max_future"`
	Path      string   `toml:"path"`
}

// Bunny is for scheme bunny, see [auth.BunnyOptions].
type Bunny struct {
	Mode    string   `toml:"mode"`
	Address bool     `toml:"ip"`
	IPOrder []string `toml:"ip_order"`
}

// URLSig is for scheme url-sig, see [auth.URLSigOptions].
type URLSig struct {
	Anchor string `toml:"anchor"`
}

// MediaCDN is for scheme media-cdn, see [auth.MediaCDNOptions].
type MediaCDN struct {
	Param string `toml:"param"`
}

// CDN77 is for scheme cdn77, see [auth.CDN77Options].
type CDN77 struct {
	Form string `toml:"form"` // parameter, path
}

// Gcore is for scheme gcore, see [auth.GcoreOptions].
type Gcore struct {
	Address bool `toml:"ip"`
}

// Wowza is for scheme wowza, see [auth.WowzaOptions].
type Wowza struct {
	Prefix      string `toml:"prefix"`
	Hash        string `toml:"hash"`
	Address     bool   `toml:"ip"`
	ContentPath string `toml:"content_path"`
}

// Fastly is for scheme fastly, see [auth.FastlyOptions].
type Fastly struct {
	Hash string `toml:"hash"` // sha1, sha256
}

// EdgeAuth is for scheme edgeauth, see [auth.EdgeAuthOptions].
type EdgeAuth struct {
	Name      string   `toml:"name"`
	Places    []string `toml:"places"`
	Hash      string   `toml:"hash"`
	Salt      string   `toml:"salt"`
	Escape    string   `toml:"escape"`
	SignQuery bool     `toml:"sign_query"`
	Skew      Duration `toml:"skew"`
}

// CDNI is for scheme cdni, see [auth.CDNIOptions].
type CDNI struct {
	Name     string `toml:"name"`
	Audience string `toml:"audience"`
	Header   string `toml:"header"`
	RenewKey string `toml:"renew_key"`
}

// CAT is for scheme cat, see [auth.CATOptions].
type CAT struct {
	Header        string `toml:"header"`
	Cookie        string `toml:"cookie"`
	Query         string `toml:"query"`
	Issuer        string `toml:"issuer"`
	RequireIssuer bool   `toml:"require_issuer"`
	Audience      string `toml:"audience"`
	AllowUnscoped bool   `toml:"allow_unscoped"`
	RenewKey      string `toml:"renew_key"`
}

// defaultSchemes returns what the tables start from.
func defaultSchemes() Schemes {
	return Schemes{
		VDOX: VDOX{
			Validity: Duration(auth.DefaultVDOXValidity), MaxFuture: Duration(auth.DefaultVDOXMaxFuture), Path: "/",
		},
		Bunny:    Bunny{Mode: auth.BunnyHS256, IPOrder: []string{auth.BunnyIPMiddle}},
		MediaCDN: MediaCDN{Param: auth.DefaultMediaCDNParam},
		CDN77:    CDN77{Form: "parameter"},
		Wowza:    Wowza{Prefix: auth.DefaultWowzaPrefix, Hash: "sha256"},
		Fastly:   Fastly{Hash: "sha1"},
		EdgeAuth: EdgeAuth{Name: auth.DefaultEdgeAuthName, Places: []string{"query", "cookie"}, Hash: "sha256", Escape: "none"},
		CDNI:     CDNI{Name: auth.DefaultCDNIName},
		CAT:      CAT{Header: auth.DefaultCATName, Cookie: auth.DefaultCATName, Query: auth.DefaultCATQuery},
	}
}

// options copies the tables to where the schemes look for them.
func (t *Schemes) options(o *auth.Options) {
	o.SecureLink = auth.SecureLinkOptions(t.SecureLink)
	o.VDOX = auth.VDOXOptions{
		Validity: time.Duration(t.VDOX.Validity), MaxFuture: time.Duration(t.VDOX.MaxFuture), Path: t.VDOX.Path,
	}
	o.Bunny = auth.BunnyOptions(t.Bunny)
	o.URLSig = auth.URLSigOptions(t.URLSig)
	o.MediaCDN = auth.MediaCDNOptions(t.MediaCDN)
	o.CDN77.Path = t.CDN77.Form == "path"
	o.Gcore = auth.GcoreOptions(t.Gcore)
	o.Wowza = auth.WowzaOptions(t.Wowza)
	e := &t.EdgeAuth
	o.EdgeAuth = auth.EdgeAuthOptions{
		Name: e.Name, Places: e.Places, Hash: e.Hash, Salt: e.Salt, Escape: e.Escape, SignQuery: e.SignQuery, Skew: e.Skew.Seconds(),
	}
	o.CDNI = auth.CDNIOptions(t.CDNI)
	o.CAT = auth.CATOptions(t.CAT)
	o.Fastly.SHA256 = t.Fastly.Hash == "sha256"
}

// checkSchemes looks at what the schemes themselves would not notice.
func (l *loader) checkSchemes(s *Site) {
	t := &s.Token
	l.oneOfSite(s, "token.cdn77.form", t.CDN77.Form, "parameter", "path")
	l.oneOfSite(s, "token.fastly.hash", t.Fastly.Hash, "sha1", "sha256")
	if t.VDOX.Validity < Duration(time.Second) {
		l.failSite(s, "token.vdox.validity", "%s is too short: at least 1s, for example \"300s\"", t.VDOX.Validity)
	}
	if t.VDOX.MaxFuture < Duration(time.Second) {
		l.failSite(s, "token.vdox.max_future", "%s is too short: at least 1s, for example \"24h\"", t.VDOX.MaxFuture)
	}
}
