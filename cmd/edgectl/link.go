package main

import (
	"strings"

	"edged/auth"
	"edged/internal/target"
)

// link is a URL taken apart by the same code that reads requests on the edge,
// so that the tool and the edge cannot understand one URL differently.
type link struct {
	base        string // scheme and authority as given
	host        string // canonical
	path, query []byte // raw, query without '?'
}

// refusal is why the edge would not even look at the token.
type refusal struct {
	word string // for scripts
	text string // for people
}

func (r *refusal) Error() string { return r.word + ": " + r.text }

func refuseTarget(why target.Reason) error {
	return &refusal{why.String(), "the edge refuses such a target with 400"}
}

// parseLink reads an absolute http or https URL.
func parseLink(url string) (link, error) {
	authority, path, query, why := target.Split([]byte(url))
	if why != target.OK {
		return link{}, refuseTarget(why)
	}
	if authority == nil {
		return link{}, usagef("URL %q has no host; give it whole, like https://host/path", url)
	}
	host, _, why := target.Host(authority, nil)
	if why != target.OK {
		return link{}, refuseTarget(why)
	}
	base := url[:strings.Index(url, "://")+len("://")+len(authority)]
	return link{base: base, host: string(host), path: path, query: query}, nil
}

// secure reports whether the URL is of https.
func (l *link) secure() bool { return strings.HasPrefix(l.base, "https") }

// canonical returns the decoded path that token scopes are about.
func canonical(path []byte) ([]byte, error) {
	c, _, why := target.Canonical(path, nil)
	if why != target.OK {
		return nil, refuseTarget(why)
	}
	return c, nil
}

// with returns the URL with a token in its path or query.
func (l *link) with(token string, c auth.Carrier) string {
	path, query := string(l.path), string(l.query)
	switch {
	case c == auth.Path:
		path = "/ect=" + token + path
	case c == auth.Query && query != "":
		query += "&ect=" + token
	case c == auth.Query:
		query = "ect=" + token
	}
	if query != "" {
		query = "?" + query
	}
	return l.base + path + query
}
