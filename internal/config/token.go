package config

import (
	"errors"
	"strings"
	"time"

	"edged/auth"
)

// Options returns what the token scheme of the site is built from, with the site's
// own keys. A caller adds what lives in the process: Signatures and Revocations.
func (s *Site) Options() auth.Options {
	t := &s.Token
	o := auth.Options{
		Account: s.Account, Required: t.Required, Accept: t.Accept,
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
	if len(l.errs) == before && s.Account != "" && l.decoded(s.place.file, s.siteKey("token")) && s.keysParsed() {
		l.checkScheme(s)
	}
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
