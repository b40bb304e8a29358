package edge

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"edged/auth"
	"edged/cache/object"
	"edged/cache/purge"
	"edged/internal/target"
)

// MaxPurgeRules is how many rules one order may have.
const MaxPurgeRules = 10_000

// maxNameBytes bounds the names of accounts and sites in an order.
const maxNameBytes = 255

// ErrPurge marks an order that is not understood; its text says why.
var ErrPurge = errors.New("purge")

// PurgeOrder says what to purge. URLs and prefixes that name a host need nothing
// else; a path needs Account and Site. Keys need Account. Account alone is all of
// the account, Account and Site alone all of the site.
type PurgeOrder struct {
	URLs     []string `json:"urls,omitempty"`     // each with its query, and all its variants
	Prefixes []string `json:"prefixes,omitempty"` // of paths, also within a segment
	Keys     []string `json:"keys,omitempty"`     // surrogate keys
	Account  string   `json:"account,omitempty"`
	Site     string   `json:"site,omitempty"`
	All      bool     `json:"all,omitempty"`  // everything of all accounts
	Soft     bool     `json:"soft,omitempty"` // validate before it is served, instead of forgetting it
	ID       string   `json:"id,omitempty"`   // the same order with the same id is one purge
}

// PurgeResult is what became of an order.
type PurgeResult struct {
	Number   uint64   `json:"number"` // of the purge; later ones have higher numbers
	Rules    int      `json:"rules"`
	Soft     bool     `json:"soft"`
	Repeated bool     `json:"repeated"` // this order was carried out before, under this number
	Accounts []string `json:"accounts"` // whose content it is about; empty: of all
	Known    bool     `json:"known"`    // all of these have a site in the configuration
}

// Purge carries out an order: when it returns nil, nothing that was fetched before
// and that the order names is served any more, also not after a crash. The error is
// ErrPurge for an order that is not understood, cache.ErrVolatile for one that is
// in force but not durable: the result is valid then, too.
func (e *Edge) Purge(o *PurgeOrder) (PurgeResult, error) {
	p := purgePlan{sites: e.sites.Load(), order: o}
	if err := p.make(); err != nil {
		return PurgeResult{}, err
	}
	number, repeated, err := e.cache.Purge(o.request(), p.rules)
	return PurgeResult{
		Number: number, Rules: len(p.rules), Soft: o.Soft, Repeated: repeated, Accounts: p.accounts, Known: p.known(),
	}, err
}

// request identifies an order with an id by the id and what it asks for: an id that
// is used again for something else is another purge.
func (o *PurgeOrder) request() uint64 {
	if o.ID == "" {
		return 0
	}
	text, err := json.Marshal(o)
	if err != nil {
		return 0 // strings and flags: cannot be
	}
	sum := sha256.Sum256(text)
	return max(1, binary.LittleEndian.Uint64(sum[:]))
}

// purgePlan turns an order into rules.
type purgePlan struct {
	sites    *Sites
	order    *PurgeOrder
	rules    []purge.Rule
	accounts []string
}

func (p *purgePlan) make() error {
	o := p.order
	switch n := len(o.URLs) + len(o.Prefixes) + len(o.Keys); {
	case n > MaxPurgeRules:
		return fmt.Errorf("%w: %d names, at most %d at once", ErrPurge, n, MaxPurgeRules)
	case o.All && (n > 0 || o.Account != "" || o.Site != ""):
		return fmt.Errorf("%w: all, and something besides: which is it?", ErrPurge)
	case o.All:
		p.add(purge.Everything(), "")
		return nil
	case o.Site != "" && o.Account == "":
		return fmt.Errorf("%w: a site needs the account that it is of", ErrPurge)
	case len(o.Account) > maxNameBytes || len(o.Site) > maxNameBytes:
		return fmt.Errorf("%w: the name of an account or site has at most %d bytes", ErrPurge, maxNameBytes)
	case strings.ContainsRune(o.Account+o.Site, 0):
		return fmt.Errorf("%w: no name has a NUL in it", ErrPurge)
	case n == 0 && o.Account == "":
		return fmt.Errorf("%w: nothing is named: give urls, prefixes, keys, an account, or all", ErrPurge)
	case n == 0:
		return p.whole()
	}
	return p.names()
}

// whole purges an account, or one of its sites.
func (p *purgePlan) whole() error {
	o := p.order
	if o.Site == "" {
		p.add(purge.Account(o.Account), o.Account)
		return nil
	}
	key := o.Account + "\x00" + o.Site + "\x00/"
	if s := p.sites.named(o.Account, o.Site); s != nil && s.wildcard {
		p.add(purge.Prefix(object.Key(o.Account+"\x00*")), o.Account)
	}
	p.add(purge.Prefix(object.Key(key)), o.Account)
	return nil
}

func (p *purgePlan) names() error {
	for _, u := range p.order.URLs {
		key, account, err := p.key(u, false)
		if err != nil {
			return err
		}
		p.add(purge.URL(key), account)
	}
	for _, u := range p.order.Prefixes {
		key, account, err := p.key(u, true)
		if err != nil {
			return err
		}
		p.add(purge.Prefix(key), account)
	}
	for _, k := range p.order.Keys {
		if p.order.Account == "" {
			return fmt.Errorf("%w: a surrogate key needs the account that it is of", ErrPurge)
		}
		if !purge.ValidKey(k) {
			return fmt.Errorf("%w: a surrogate key has 1 to %d bytes, no spaces and no commas", ErrPurge, purge.MaxKeyBytes)
		}
		p.add(purge.SurrogateKey(p.order.Account, k), p.order.Account)
	}
	return nil
}

func (p *purgePlan) add(r purge.Rule, account string) {
	r.Soft = p.order.Soft
	p.rules = append(p.rules, r)
	if account != "" && !slices.Contains(p.accounts, account) {
		p.accounts = append(p.accounts, account)
	}
}

func (p *purgePlan) known() bool {
	for _, a := range p.accounts {
		if !slices.ContainsFunc(p.sites.all, func(s *Site) bool { return s.Account == a }) {
			return false
		}
	}
	return true
}

// key returns the cache key of a URL or path, the way a request for it gets its
// key: token cut out, canonical, only the parameters that count.
func (p *purgePlan) key(text string, prefix bool) (key object.Key, account string, err error) {
	raw := []byte(text)
	if prefix && strings.Contains(text, "?") {
		return "", "", fmt.Errorf("%w: a prefix is one of paths: leave the query out", ErrPurge)
	}
	authority, path, query, why := target.Split(raw)
	if why != target.OK {
		return "", "", fmt.Errorf("%w: not a URL or an absolute path: %s", ErrPurge, why)
	}
	site, name, err := p.site(authority)
	if err != nil {
		return "", "", err
	}
	if site.Token != nil {
		found, _ := site.Token.Find(&auth.Input{Path: path, Query: query}, new(auth.Scratch))
		path, query = found.Path, found.Query
	}
	canonical, _, why := target.Canonical(path, nil)
	if why != target.OK {
		return "", "", fmt.Errorf("%w: no request can have this path: %s", ErrPurge, why)
	}
	if !prefix {
		query = site.Query.Append(nil, query)
	}
	return object.Key(object.AppendKey(nil, site.Account, name, target.AppendEncoded(nil, canonical), query)), site.Account, nil
}

// site finds the site of a host, or the one that the order names, and the name that
// its keys have.
func (p *purgePlan) site(authority []byte) (site *Site, name string, err error) {
	o := p.order
	if authority == nil {
		if o.Account == "" || o.Site == "" {
			return nil, "", fmt.Errorf("%w: a path needs account and site; or give a URL with its host", ErrPurge)
		}
		if site = p.sites.named(o.Account, o.Site); site == nil {
			return nil, "", fmt.Errorf("%w: account %q has no site %q", ErrPurge, o.Account, o.Site)
		}
		if site.wildcard {
			return nil, "", fmt.Errorf("%w: site %q takes any host: give a URL with its host", ErrPurge, o.Site)
		}
		return site, site.Name, nil
	}
	host, _, why := target.Host(authority, nil)
	if why != target.OK {
		return nil, "", fmt.Errorf("%w: not a host: %s", ErrPurge, why)
	}
	if site = p.sites.find(host); site == nil {
		return nil, "", fmt.Errorf("%w: no site has the host %q", ErrPurge, host)
	}
	if o.Account != "" && o.Account != site.Account || o.Site != "" && o.Site != site.Name {
		return nil, "", fmt.Errorf("%w: host %q is of site %q of another account or name", ErrPurge, host, site.Name)
	}
	if site.wildcard {
		return site, "*" + string(host), nil
	}
	return site, site.Name, nil
}

// named returns a site by account and name, nil when there is none.
func (t *Sites) named(account, name string) *Site {
	for _, s := range t.all {
		if s.Account == account && s.Name == name {
			return s
		}
	}
	return nil
}
