package main

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"edged/auth"
)

func digestFamilies() []family {
	return []family{
		{"vdox-token", "vdox", readVDOX},
		{"nginx-secure-link", "secure-link", readSecureLink},
		{"nginx-secure-link-secret", "secure-link-secret", readPlain},
		{"bunny", "bunny", readBunny},
		{"ats-url-sig", "url-sig", readURLSig},
		{"google-mediacdn", "media-cdn", readMediaCDN},
		{"google-cloudcdn", "media-cdn", readMediaCDN},
		{"cdn77", "cdn77", readCDN77},
		{"keycdn", "keycdn", readPlain},
		{"gcore", "gcore", readGcore},
		{"wowza-securetoken2", "wowza", readWowza},
		{"fastly-token", "fastly", readFastly},
	}
}

// vectorKey is what the keys of these families may say.
type vectorKey struct {
	Kid       string `json:"kid"`
	Type      string `json:"type"`
	Account   string `json:"account"`  // of VDO-X
	Index     *int   `json:"index"`    // of url_sig
	KeyName   string `json:"key_name"` // of Google
	Text      string `json:"secret_utf8"`
	Hex       string `json:"secret_hex"`
	Base64    string `json:"secret_b64"`
	KeyBase64 string `json:"key_b64url"`
	PublicHex string `json:"public_hex"`
	State     string `json:"state"`
}

// digestKeys reads the keys; those that do not say so are of type plain.
func digestKeys(v *vector, o *auth.Options, plain auth.KeyType) error {
	for i, raw := range v.Keys {
		var k vectorKey
		if err := strictly(raw, "key", &k); err != nil {
			return err
		}
		key, err := k.key(fmt.Sprintf("k%d", i), plain)
		if err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
		o.Keys = append(o.Keys, key)
	}
	return nil
}

func (k *vectorKey) key(id string, plain auth.KeyType) (auth.Key, error) {
	key := auth.Key{ID: id, Account: vectorAccount, Type: plain, Name: k.Account + k.KeyName + k.Kid}
	if k.Index != nil {
		key.Name = strconv.Itoa(*k.Index)
	}
	var ok bool
	if key.Type, ok = auth.ParseKeyType(k.Type); !ok && k.Type != "" {
		return key, fmt.Errorf("type %q is not known", k.Type)
	} else if !ok {
		key.Type = plain
	}
	if key.State, ok = auth.ParseKeyState(k.State); !ok && k.State != "" {
		return key, fmt.Errorf("state %q is not known", k.State)
	}
	var err error
	switch {
	case k.Text != "":
		key.Secret = []byte(k.Text)
	case k.Hex != "":
		key.Secret, err = hex.DecodeString(k.Hex)
	case k.PublicHex != "":
		key.Public, err = hex.DecodeString(k.PublicHex)
	default:
		text := strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(k.Base64 + k.KeyBase64)
		key.Secret, err = base64.RawURLEncoding.DecodeString(text)
	}
	return key, err
}

// digestSite reads config and keys.
func digestSite(v *vector, o *auth.Options, config any, limits *vectorLimits) error {
	if err := strictly(v.Config, "config", config); err != nil {
		return err
	}
	limits.set(o)
	return digestKeys(v, o, auth.Secret)
}

func readPlain(v *vector, o *auth.Options) error {
	var c vectorLimits
	return digestSite(v, o, &c, &c)
}

func readVDOX(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Validity  int64 `json:"validity_s"`
		MaxFuture int64 `json:"max_future_s"`
	}
	err := digestSite(v, o, &c, &c.vectorLimits)
	o.VDOX.Validity, o.VDOX.MaxFuture = wholeSeconds(c.Validity), wholeSeconds(c.MaxFuture)
	return err
}

func readSecureLink(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Link     string `json:"secure_link"`
		MD5      string `json:"secure_link_md5"`
		Location string `json:"location_regex"`
	}
	err := digestSite(v, o, &c, &c.vectorLimits)
	o.SecureLink = auth.SecureLinkOptions{Link: c.Link, MD5: c.MD5, Location: c.Location}
	return err
}

func readBunny(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Mode    string   `json:"mode"`
		Address bool     `json:"ip_validation"`
		Order   []string `json:"ip_order"`
	}
	err := digestSite(v, o, &c, &c.vectorLimits)
	o.Bunny = auth.BunnyOptions{Mode: c.Mode, Address: c.Address, IPOrder: c.Order}
	return err
}

func readURLSig(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Anchor string `json:"anchor"`
		Vendor string `json:"sig_anchor"` // what the vendor calls it
	}
	err := digestSite(v, o, &c, &c.vectorLimits)
	o.URLSig.Anchor = cmp.Or(c.Anchor, c.Vendor)
	return err
}

func readMediaCDN(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Param string `json:"token_param"`
	}
	if err := strictly(v.Config, "config", &c); err != nil {
		return err
	}
	c.set(o)
	o.MediaCDN.Param = c.Param
	return digestKeys(v, o, auth.HMACSHA1)
}

func readCDN77(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Type string `json:"type"`
	}
	err := digestSite(v, o, &c, &c.vectorLimits)
	if c.Type != "" && c.Type != "parameter" && c.Type != "path" && err == nil {
		return fmt.Errorf("config: type %q is not known", c.Type)
	}
	o.CDN77.Path = c.Type == "path"
	return err
}

func readGcore(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Address bool `json:"ip"`
	}
	err := digestSite(v, o, &c, &c.vectorLimits)
	o.Gcore.Address = c.Address
	return err
}

func readWowza(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Prefix      string `json:"prefix"`
		Hash        string `json:"hash"`
		Address     bool   `json:"include_client_ip"`
		ContentPath string `json:"content_path"`
	}
	err := digestSite(v, o, &c, &c.vectorLimits)
	o.Wowza = auth.WowzaOptions{Prefix: c.Prefix, Hash: c.Hash, Address: c.Address, ContentPath: c.ContentPath}
	return err
}

func readFastly(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Hash string `json:"hash"`
	}
	err := digestSite(v, o, &c, &c.vectorLimits)
	if c.Hash != "" && c.Hash != "sha1" && c.Hash != "sha256" && err == nil {
		return fmt.Errorf("config: hash %q is not known", c.Hash)
	}
	o.Fastly.SHA256 = c.Hash == "sha256"
	return err
}
