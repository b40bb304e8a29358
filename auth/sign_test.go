package auth_test

import (
	"errors"
	"net/netip"
	"testing"

	"edged/auth"
	"edged/internal/target"
)

// What Sign makes, the same scheme allows, until it ends and for that path only.
func TestSignRoundTrip(t *testing.T) {
	client := netip.MustParseAddr("198.51.100.7")
	tests := []struct {
		scheme, raw, scope string
		client             netip.Addr
		edit               func(*auth.Options)
		last               int64 // last good second
	}{
		{scheme: "keycdn", raw: "/v/a%20b?x=1", last: 1767226200},
		{scheme: "gcore", raw: "/v/a", last: 1767226200},
		{scheme: "gcore", raw: "/v/a", client: client, last: 1767226200, edit: func(o *auth.Options) { o.Gcore.Address = true }},
		{scheme: "cdn77", raw: "/v/a", last: 1767226200},
		{scheme: "secure-link", raw: "/v/a?y=2", last: 1767226200, edit: linkOptions("$arg_h,$arg_e", "$uri$arg_y$arg_e$secret", "")},
		{scheme: "secure-link-secret", raw: "/v/a?y=2", edit: func(o *auth.Options) { o.WithoutExpiry = true }},
		{scheme: "fastly", raw: "/v/a%20b?x", last: 1767226200},
		{scheme: "vdox", raw: "/?account=acct1&file=a+b", last: 1767226200, edit: vdoxKeys},
		{scheme: "url-sig", raw: "/v/a%20b?x=1", last: 1767226200, edit: urlSigKeys},
		{scheme: "url-sig", raw: "/v/a", client: client, last: 1767226200, edit: urlSigKeys},
		{scheme: "media-cdn", raw: "/v/a%20b", last: 1767226199, edit: mediaKeys},
		{scheme: "media-cdn", raw: "/v/a", scope: "/v/", last: 1767226199, edit: mediaKeys},
		{scheme: "wowza", raw: "/v/a?wowzatokenc=1", last: 1767226200},
		{scheme: "wowza", raw: "/v/a", client: client, last: 1767226200, edit: func(o *auth.Options) { o.Wowza.Address = true }},
		{scheme: "bunny", raw: "/v/a%20b?x=1", last: 1767226200},
		{scheme: "bunny", raw: "/v/a?x=1", scope: "/v/", last: 1767226200},
		{scheme: "bunny", raw: "/v/a", client: client, last: 1767226200},
		{scheme: "bunny", raw: "/v/a?x=1", last: 1767226200, edit: bunnyMode(auth.BunnySHA256)},
		{scheme: "bunny", raw: "/v/a", client: client, last: 1767226200, edit: bunnyMode(auth.BunnySHA256, bunnyIP("last"))},
		{scheme: "bunny", raw: "/v/a?x=1", last: 1767226200, edit: bunnyMode(auth.BunnyMD5)},
	}
	for _, tt := range tests {
		s := compat(t, tt.scheme, func(o *auth.Options) {
			if tt.edit != nil {
				tt.edit(o)
			}
		})
		_, path, query, _ := target.Split([]byte(tt.raw))
		canonical, _, _ := target.Canonical(path, nil)
		q := auth.SignRequest{
			Path: string(path), Query: string(query), Canonical: canonical, Host: request().Host, TLS: true,
			Client: tt.client, Now: now, Expires: 1767226200, Scope: tt.scope,
		}
		signedPath, signedQuery, err := auth.Sign(s, &q)
		if err != nil {
			t.Errorf("%s %s: %v", tt.scheme, tt.raw, err)
			continue
		}
		raw := signedPath + "?" + signedQuery
		if signedQuery == "" {
			raw = signedPath
		}
		got := send(t, s, raw)
		if got.word != "allowed" || got.path != string(canonical) {
			t.Errorf("%s %s: %s is %s with path %s", tt.scheme, tt.raw, raw, got.word, got.path)
		}
		if tt.last == 0 {
			continue
		}
		expect(t, s, [][2]string{{"allowed", raw}}, at(tt.last))
		expect(t, s, [][2]string{{"expired", raw}}, at(tt.last+1))
	}
}

func TestSignErrors(t *testing.T) {
	q := auth.SignRequest{Path: "/a", Canonical: []byte("/a"), Now: now, Expires: now + 1}
	revoked := func(o *auth.Options) { o.Required = false; o.Keys[0].State = auth.StateNext }
	for name, s := range map[string]auth.Scheme{
		"native":     site(t),
		"no key":     compat(t, "keycdn", revoked),
		"pattern":    compat(t, "cdn77", func(o *auth.Options) { o.CDN77.Path = true }),
		"no file":    compat(t, "vdox", vdoxKeys),
		"no account": compat(t, "vdox"),
	} {
		if _, _, err := auth.Sign(s, &q); !errors.Is(err, auth.ErrCannotSign) {
			t.Errorf("%s: error %v, want ErrCannotSign", name, err)
		}
	}
}
