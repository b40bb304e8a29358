package config

import (
	"errors"
	"slices"
	"strings"
	"time"

	"edged/auth"
)

// Options returns what the token scheme of the site is built from, with the site's
// own keys. A caller adds what lives in the process: Signatures and Revocations.
func (s *Site) Options() auth.Options {
	t := &s.Token
	o := auth.Options{
		Account: s.Account, Site: s.Name, Required: t.Required, Accept: t.Accept,
		MaxLifetime: time.Duration(t.MaxLifetime), NBFLeeway: time.Duration(t.NBFLeeway),
		WithoutExpiry: t.WithoutExpiry,
	}
	t.options(&o)
	for i := range t.Keys {
		o.Keys = append(o.Keys, t.Keys[i].all()...)
	}
	return o
}

// checkToken looks at the site's access control, and at last builds it: what no
// scheme can be made of is refused here rather than at the start.
func (l *loader) checkToken(s *Site) {
	t := &s.Token
	before := len(l.errs)
	l.oneOfSite(s, "token.scheme", t.Scheme, auth.Names()...)
	for _, name := range t.Accept {
		l.oneOfSite(s, "token.accept", name, auth.Names()...)
	}
	if t.Required && len(t.Keys) == 0 {
		l.failSite(s, "token.required", "a token is required but there is no [[site.token.key]] to check it with")
	}
	if t.MaxLifetime <= 0 {
		l.failSite(s, "token.max_lifetime", "%s is too short: more than 0, for example \"24h\"", t.MaxLifetime)
	}
	if t.SessionRequests < 0 {
		l.failSite(s, "token.session_requests", "%d is negative: set 0 for no bound", t.SessionRequests)
	}
	l.checkSchemes(s)
	l.oneOfSite(s, "token.carry", t.Carry, "none", "path", "query", "cookie", "define")
	l.checkSession(s)
	if len(l.errs) == before && s.Account != "" && l.decoded(s.place.file, s.siteKey("token")) && s.keysParsed() {
		l.checkScheme(s)
	}
}

// checkSession looks at the second stage.
func (l *loader) checkSession(s *Site) {
	t := &s.Token
	if t.Session.KeyID == "" {
		return
	}
	i := slices.IndexFunc(t.Keys, func(k Key) bool { return k.ID == t.Session.KeyID })
	switch {
	case i < 0:
		l.failSite(s, "token.session.kid", "there is no [[site.token.key]] with the id %q", t.Session.KeyID)
	case t.Keys[i].Type != auth.HMACSHA256.String():
		l.failSite(s, "token.session.kid", "session tokens need a key of type %s", auth.HMACSHA256)
	case t.Keys[i].State == auth.StateRevoked.String() || t.Keys[i].State == auth.StateRetiring.String():
		l.failSite(s, "token.session.kid", "the key is %s: name one that is active or next", t.Keys[i].State)
	case t.Keys[i].Scheme != "" && t.Keys[i].Scheme != "ect", t.Scheme != "ect" && !slices.Contains(t.Accept, "ect"):
		l.failSite(s, "token.session.kid", "session tokens are of the scheme ect: the site must accept it and the key must be for it")
	case !t.Required:
		l.failSite(s, "token.session.kid", "there are no tokens to exchange: set token.required")
	case t.Carry == "none" || t.Carry == "define" && !t.Session.Redirect:
		l.failSite(s, "token.carry", "%q does not carry a session token: use path, query or cookie", t.Carry)
	}
	l.oneOfSite(s, "token.session.scope", t.Session.Scope, "token", "folder")
	if t.Session.For < Duration(time.Second) || t.Session.For > t.MaxLifetime {
		l.failSite(s, "token.session.for", "%s is not between 1s and token.max_lifetime (%s)", t.Session.For, t.MaxLifetime)
	}
}

// SessionKey returns the key that signs session tokens, nil when tokens are not exchanged.
func (s *Site) SessionKey() *auth.Key {
	for i := range s.Token.Keys {
		if k := &s.Token.Keys[i]; s.Token.Session.KeyID != "" && k.ID == s.Token.Session.KeyID {
			return &k.Parsed
		}
	}
	return nil
}

// checkScheme builds the scheme and reports what it does not like.
func (l *loader) checkScheme(s *Site) {
	_, err := auth.New(s.Token.Scheme, s.Options())
	var setting *auth.SettingError
	switch {
	case errors.As(err, &setting):
		l.failSite(s, "token."+setting.Setting, "%s", setting.Text)
	case err != nil:
		l.failSite(s, "token", "%s", strings.ReplaceAll(err.Error(), "auth: ", ""))
	}
}

// keysParsed reports whether all keys of the site are good and differ; else they are
// errors of their own.
func (s *Site) keysParsed() bool {
	ids := map[string]bool{"": true}
	for i := range s.Token.Keys {
		for _, k := range s.Token.Keys[i].all() {
			if ids[k.ID] {
				return false
			}
			ids[k.ID] = true
		}
	}
	return true
}

// all returns the keys of an entry: one, or those of its set.
func (k *Key) all() []auth.Key {
	if k.JWKSFile != "" {
		return k.Set
	}
	return []auth.Key{k.Parsed}
}
