package main

import (
	"fmt"
	"slices"
	"strings"

	"edged/auth"
)

// site is what the token commands need to know of a configured site.
type site struct {
	account  string
	hosts    []string
	scheme   string
	required bool
	options  auth.Options // with the keys of the site
	foreign  []auth.Key   // of other accounts
}

// anyHost is the host of the site for every other name.
const anyHost = "*"

// siteFor finds the site of a canonical host name as the edge does: by exact
// name, else the one for any host.
func siteFor(sites []site, host string) (site, bool) {
	for _, want := range []string{host, anyHost} {
		for _, s := range sites {
			if slices.Contains(s.hosts, want) {
				return s, true
			}
		}
	}
	return site{}, false
}

// verifier returns the site's token scheme.
func (s *site) verifier() (auth.Scheme, error) {
	o := s.options
	o.Account, o.Required, o.Keys = s.account, s.required, slices.Concat(o.Keys, s.foreign)
	return auth.New(s.scheme, o)
}

// describe names a site in messages.
func (s *site) describe() string {
	return fmt.Sprintf("account %s (%s)", s.account, strings.Join(s.hosts, ", "))
}
