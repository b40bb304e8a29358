package main

import (
	"cmp"
	"fmt"
	"time"

	"edged/auth"
	"edged/cache"
	"edged/cache/rfc9111"
	"edged/internal/config"
	"edged/internal/edge"
	"edged/internal/geo"
	"edged/internal/revoke"
	"edged/internal/target"
	"edged/logfmt"
	"edged/origin"
)

// buildSites turns the [[site]] tables into the edge's. Origins of a previous
// table are closed by the caller when requests no longer use them.
func buildSites(c *config.Config, signatures *auth.Signatures, revoked *revoke.List) ([]*edge.Site, error) {
	atlas, err := geo.Open(c.Geo.CountryFile, c.Geo.ASNFile)
	if err != nil {
		return nil, err
	}
	sites := make([]*edge.Site, 0, len(c.Sites))
	for i := range c.Sites {
		s, err := buildSite(c, &c.Sites[i], signatures, revoked)
		if err != nil {
			return nil, fmt.Errorf("site %s of account %s: %w", c.Sites[i].Name, c.Sites[i].Account, err)
		}
		s.Atlas = atlas
		sites = append(sites, s)
	}
	return sites, nil
}

func buildSite(c *config.Config, s *config.Site, signatures *auth.Signatures, revoked *revoke.List) (*edge.Site, error) {
	origins, err := origin.New(originOptions(c.Node.Name, s))
	if err != nil {
		return nil, err
	}
	site := &edge.Site{
		Account: s.Account, Name: s.Name, Hosts: s.Hosts, Origins: origins,
		Query: queryPolicy(s.Query), Forward: s.ForwardHeaders, ClientDirectives: s.ClientDirectives,
		Methods: s.Methods, Cookies: cookiePolicy(s.Cookies), Storage: storagePolicy(s.Disk), PassErrors: s.Origin.Errors == "pass",
		ShowKeys:      s.SurrogateKeys == "pass",
		CORS:          edge.CORS{Origins: s.CORS.Origins, Credentials: s.CORS.Credentials},
		RedirectHTTPS: s.RedirectHTTPS, PublicScheme: "http", Log: edge.LogPolicy{Query: s.Log.Query, Agent: cmp.Or(s.Log.UserAgent, c.Log.UserAgent) == "full"},
	}
	if s.Log.Address != "" {
		if site.Log.Address, err = logfmt.ParseAddressMode(s.Log.Address); err != nil {
			return nil, err
		}
	}
	if len(c.Listen.HTTPS) > 0 {
		site.PublicScheme = "https"
	}
	if s.HSTS > 0 {
		site.HSTS = fmt.Sprintf("max-age=%d", s.HSTS.Seconds())
	}
	site.TokenRequired = s.Token.Required // a token is cut out also where none is required
	site.SessionRequests = s.Token.SessionRequests
	o := s.Options()
	o.Signatures, o.Revocations = signatures, revoked.Of(s.Account)
	if site.Token, err = auth.New(s.Token.Scheme, o); err != nil {
		return nil, err
	}
	return site, carryTokens(site, s)
}

// carryTokens says how tokens get from manifests to segments. The configuration has
// checked the word.
func carryTokens(site *edge.Site, s *config.Site) error {
	site.Carry = map[string]edge.Carry{
		"path": edge.CarryPath, "query": edge.CarryQuery, "cookie": edge.CarryCookie, "define": edge.CarryDefine,
	}[s.Token.Carry]
	key := s.SessionKey()
	if key == nil {
		return nil
	}
	sessions, err := auth.NewSessions(s.Name, *key, time.Duration(s.Token.Session.For))
	if err != nil {
		return err
	}
	site.Sessions, site.SessionRedirect = sessions, s.Token.Session.Redirect
	site.SessionFolder = s.Token.Session.Scope == "folder"
	return nil
}

func originOptions(node string, s *config.Site) origin.Options {
	o := &s.Origin
	return origin.Options{
		URLs: s.Origins, Node: node, Host: o.Host,
		ConnectTimeout: time.Duration(o.ConnectTimeout), FirstByteTimeout: time.Duration(o.FirstByteTimeout),
		HoldTimeout: time.Duration(o.HoldTimeout), IdleTimeout: time.Duration(o.IdleTimeout),
		TotalTimeout: time.Duration(o.TotalTimeout), MinRate: int64(o.MinRate), MaxConns: o.MaxConnections,
		TLS: origin.TLSOptions{CAFile: o.CAFile, InsecureSkipVerify: o.InsecureSkipVerify},
	}
}

// queryPolicy translates the words that the configuration has checked.
func queryPolicy(q config.Query) target.QueryPolicy {
	modes := map[string]target.Mode{"all": target.All, "none": target.None, "allow": target.Allow, "deny": target.Deny}
	return target.QueryPolicy{Mode: modes[q.Mode], Names: q.Names, Sort: q.Sort, Drop: []string{"ect"}}
}

// storagePolicy translates the word that the configuration has checked.
func storagePolicy(word string) cache.Storage {
	return map[string]cache.Storage{
		"always": cache.StoreAlways, "second-hit": cache.StoreSecondHit, "never": cache.StoreNever,
	}[word]
}

// cookiePolicy translates the word that the configuration has checked.
func cookiePolicy(word string) rfc9111.CookiePolicy {
	return map[string]rfc9111.CookiePolicy{
		"strip": rfc9111.CookieStrip, "refuse": rfc9111.CookieRefuse, "keep": rfc9111.CookieKeep,
	}[word]
}
