package config

import (
	"errors"
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
	if k.JWKSFile != "" {
		return k.parseSet(s)
	}
	t, ok := auth.ParseKeyType(k.Type)
	if !ok {
		return "type", fmt.Errorf("%q is not known: use one of %s", k.Type, strings.Join(auth.KeyTypes(), ", "))
	}
	state, field, err := k.standing(s)
	if err != nil {
		return field, err
	}
	key := k.common(s, state)
	key.ID, key.Name, key.Type = k.ID, k.Name, t
	if field, err := k.material(&key, s.place.file); err != nil {
		return field, err
	}
	k.Parsed = key
	if s.Account != "" && key.Check() != nil { // type, state and length are good
		return "kid", fmt.Errorf("%q is not a key id: use 1 to %d letters, digits, '-' and '_'", k.ID, auth.MaxKeyIDSize)
	}
	return "", nil
}

// parseSet does the same for an entry that stands for a set.
func (k *Key) parseSet(s *Site) (field string, err error) {
	if k.ID+k.Name+k.Type != "" || slices.ContainsFunc(k.spellings(), func(s spelling) bool { return s.value != "" }) {
		return "jwks_file", errors.New("is a set, whose keys have ids, types and material of their own: set none of these here")
	}
	state, field, err := k.standing(s)
	if err != nil {
		return field, err
	}
	common := k.common(s, state)
	return "jwks_file", k.readJWKS(&common, s.place.file)
}

// standing reads state and scheme.
func (k *Key) standing(s *Site) (state auth.KeyState, field string, err error) {
	state, ok := auth.ParseKeyState(k.State)
	switch {
	case !ok:
		return 0, "state", fmt.Errorf("%q is not known: use next, active, retiring or revoked", k.State)
	case k.Scheme != "" && k.Scheme != s.Token.Scheme && !slices.Contains(s.Token.Accept, k.Scheme):
		return 0, "scheme", fmt.Errorf("%q is neither the scheme of the site nor among those it accepts", k.Scheme)
	}
	return state, "", nil
}

// common returns what all keys of an entry share.
func (k *Key) common(s *Site, state auth.KeyState) auth.Key {
	key := auth.Key{Account: s.Account, Issuer: k.Issuer, Scheme: k.Scheme, State: state}
	if !k.AcceptUntil.IsZero() {
		key.AcceptUntil = k.AcceptUntil.Unix()
	}
	return key
}

// readPrivate reads a secret file and returns where it is and what it says, without
// white space around it. A secret written where its path belongs is a likely mistake:
// neither is in the errors.
func (f *source) readPrivate(file string) (path, text string, err error) {
	if path, err = f.resolve(file); err != nil {
		return "", "", err
	}
	b, err := readFile(path)
	if err != nil {
		return "", "", fmt.Errorf("cannot read the file: %w", err)
	}
	return path, strings.TrimSpace(string(b)), checkPrivate(path)
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
