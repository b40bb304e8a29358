package main

import (
	"edged/auth"
	"edged/internal/config"
)

// loadSites reads the configuration of the edge, with all its checks, and keeps
// what the token commands need.
func loadSites(path string) ([]site, error) {
	c, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	sites := make([]site, len(c.Sites))
	for i := range c.Sites {
		s := &c.Sites[i]
		sites[i] = site{
			account: s.Account, hosts: s.Hosts, scheme: s.Token.Scheme, required: s.Token.Required,
			options: s.Options(),
		}
	}
	for i := range sites {
		sites[i].foreign = foreignKeys(sites, sites[i].account)
	}
	return sites, nil
}

// foreignKeys returns the keys of all other accounts, each once: a token of
// theirs is then refused as such, and not as one of an unknown key.
func foreignKeys(sites []site, account string) []auth.Key {
	var foreign []auth.Key
	seen := map[string]bool{}
	for _, s := range sites {
		if s.account == account {
			continue
		}
		for _, k := range s.options.Keys {
			if !seen[k.ID] {
				foreign, seen[k.ID] = append(foreign, k), true
			}
		}
	}
	return foreign
}
