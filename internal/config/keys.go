package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"edged/auth"
)

// completeSite fills in what a site leaves open and reads its keys.
func (l *loader) completeSite(s *Site) {
	for i, h := range s.Hosts {
		s.Hosts[i] = strings.TrimSuffix(strings.ToLower(h), ".")
	}
	if s.Name == "" && len(s.Hosts) > 0 {
		s.Name = s.Hosts[0]
	}
	s.Origin.CAFile = l.readable(s.place.file, s.siteKey("origin.ca_file"), s.Origin.CAFile)
	for i := range s.Token.Keys {
		l.completeKey(s, i)
	}
}

// completeKey sets the parsed form of the i-th key of a site.
func (l *loader) completeKey(s *Site, i int) {
	k, at := &s.Token.Keys[i], indexed("token.key", i)
	if k.State == "" {
		k.State = auth.StateActive.String()
	}
	if !l.decoded(s.place.file, s.siteKey(at)) {
		return
	}
	if field, err := k.parse(s); err != nil {
		l.failSite(s, join(at, field), "%v", err)
	}
}

// parse turns the texts of a key into an auth.Key, or returns the field that is
// wrong. Errors hold neither key material nor what stands in its place.
func (k *Key) parse(s *Site) (field string, err error) {
	t, ok := auth.ParseKeyType(k.Type)
	if !ok {
		return "type", fmt.Errorf("%q is not known: use one of %s", k.Type, strings.Join(auth.KeyTypes(), ", "))
	}
	state, ok := auth.ParseKeyState(k.State)
	if !ok {
		return "state", fmt.Errorf("%q is not known: use next, active, retiring or revoked", k.State)
	}
	if k.Scheme != "" && k.Scheme != s.Token.Scheme && !slices.Contains(s.Token.Accept, k.Scheme) {
		return "scheme", fmt.Errorf("%q is neither the scheme of the site nor among those it accepts", k.Scheme)
	}
	key := auth.Key{ID: k.ID, Account: s.Account, Name: k.Name, Scheme: k.Scheme, Type: t, State: state}
	if !k.AcceptUntil.IsZero() {
		key.AcceptUntil = k.AcceptUntil.Unix()
	}
	if field, err := k.material(&key, s.place.file); err != nil {
		return field, err
	}
	k.Parsed = key
	if s.Account != "" && key.Check() != nil { // type, state and length are good
		return "kid", fmt.Errorf("%q is not a key id: use 1 to %d letters, digits, '-' and '_'", k.ID, auth.MaxKeyIDSize)
	}
	return "", nil
}

// checkPrivate refuses a secret that every user of the machine can read.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return rootCause(err)
	}
	if mode := info.Mode().Perm(); mode&0o004 != 0 {
		return fmt.Errorf("everybody on this machine can read the secret (mode %04o): chmod 640 it and give it the group of the service", mode)
	}
	return nil
}

// Seconds returns the duration in whole seconds.
func (d Duration) Seconds() int64 { return int64(time.Duration(d) / time.Second) }
