package main

import (
	"errors"
	"fmt"
	"net/netip"

	"edged/auth"
)

// signLink signs for a site of another scheme than ect, with the first active key of
// that scheme, and prints the URL only when the edge would allow it.
func (f *signFlags) signLink(s streams, where *site, l *link) error {
	if f.session != "" || f.kid != "" || f.private != "" || len(f.networks) > 0 || f.carrier != "" || len(f.scopes) > 1 {
		return usagef("-sid, -kid, -private-key, -ip, -carrier and a second -scope are for scheme ect; %s has scheme %s", where.describe(), where.scheme)
	}
	where.required = true // else the site would take anything
	scheme, err := where.verifier()
	if err != nil {
		return err
	}
	q, err := f.signRequest(l)
	if err != nil {
		return err
	}
	path, query, err := auth.Sign(scheme, q)
	if err != nil {
		return err
	}
	if query != "" {
		query = "?" + query
	}
	if err := proofreadLink(scheme, q, path+query); err != nil {
		return err
	}
	fmt.Fprintln(s.out, l.base+path+query)
	return nil
}

func (f *signFlags) signRequest(l *link) (*auth.SignRequest, error) {
	whole, err := canonical(l.path)
	if err != nil {
		return nil, err
	}
	now := f.at.orNow()
	q := &auth.SignRequest{
		Path: string(l.path), Query: string(l.query), Canonical: whole, Host: []byte(l.host), TLS: l.secure(),
		Now: now.Unix(), Expires: now.Add(f.life).Unix(),
	}
	if f.client != "" {
		if q.Client, err = netip.ParseAddr(f.client); err != nil {
			return nil, usagef("-client %s: not an address", f.client)
		}
	}
	if len(f.scopes) == 1 {
		q.Scope = f.scopes[0]
		return q, checkScope(q.Scope)
	}
	return q, nil
}

// proofreadLink sends the signed target the way of a request.
func proofreadLink(scheme auth.Scheme, q *auth.SignRequest, raw string) error {
	path, query, err := split([]byte(raw))
	if err != nil {
		return err
	}
	r := auth.Request{Method: []byte("GET"), Host: q.Host, TLS: q.TLS, Client: q.Client, Now: q.Now}
	_, err = walk(scheme, &auth.Input{Path: path, Query: query}, &r)
	var refused *refusal
	if errors.As(err, &refused) {
		return fmt.Errorf("the edge would refuse this URL: %w", err)
	}
	return err
}
