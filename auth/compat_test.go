package auth_test

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // what other systems sign with
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"edged/auth"
	"edged/internal/target"
)

// plain is the secret of the sites in the tests of other systems' schemes.
const plain = "correct horse"

// compat returns a scheme with one key of type Secret, or the keys of the edit.
func compat(t testing.TB, name string, edit ...func(*auth.Options)) auth.Scheme {
	t.Helper()
	o := auth.Options{
		Account: "acme", Required: true,
		Keys: []auth.Key{{ID: "k1", Account: "acme", Type: auth.Secret, Secret: []byte(plain)}},
	}
	for _, e := range edit {
		e(&o)
	}
	s, err := auth.New(name, o)
	if err != nil {
		t.Fatalf("New(%s): %v", name, err)
	}
	return s
}

// reply is what a walk ends with.
type reply struct {
	word, path, query string
	verdict           auth.Verdict
}

// send walks a raw target past a scheme as the edge does, at the moment now unless
// an edit changes the request.
func send(t testing.TB, s auth.Scheme, raw string, edit ...func(*auth.Input, *auth.Request)) reply {
	t.Helper()
	_, path, query, bad := target.Split([]byte(raw))
	if bad != target.OK {
		return reply{word: bad.String()}
	}
	in, r := auth.Input{Path: path, Query: query}, request()
	r.TLS = true
	for _, e := range edit {
		e(&in, &r)
	}
	var scratch auth.Scratch
	f, why := s.Find(&in, &scratch)
	canonical, _, bad := target.Canonical(f.Path, nil)
	if bad != target.OK {
		return reply{word: bad.String()}
	}
	got := reply{word: why.String(), path: string(canonical), query: string(f.Query)}
	if why != auth.Allowed {
		return got
	}
	r.Path, r.Query = canonical, f.Query
	got.verdict = s.Verify(&f, &r)
	got.word = got.verdict.Reason.String()
	return got
}

// at moves the request to another second.
func at(second int64) func(*auth.Input, *auth.Request) {
	return func(_ *auth.Input, r *auth.Request) { r.Now = second }
}

func from(client string) func(*auth.Input, *auth.Request) {
	return func(_ *auth.Input, r *auth.Request) { r.Client = netip.MustParseAddr(client) }
}

func b64md5(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // what other systems sign with
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func hexMD5(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // what other systems sign with
	return hex.EncodeToString(sum[:])
}

func b64sha256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func b64hmac(text string) string {
	h := hmac.New(sha256.New, []byte(plain))
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// expect sends each target and compares the reason.
func expect(t *testing.T, s auth.Scheme, cases [][2]string, edit ...func(*auth.Input, *auth.Request)) {
	t.Helper()
	for _, c := range cases {
		if got := send(t, s, c[1], edit...); got.word != c[0] {
			t.Errorf("%s\n\t%s with verdict %+v, want %s", c[1], got.word, got.verdict, c[0])
		}
	}
}

// fuzz holds for any target that a scheme does not panic, that its answer does not
// depend on what its memory held before, and that no token parameter is left over.
func fuzz(f *testing.F, s auth.Scheme, names []string, seeds ...string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	var used auth.Scratch
	f.Fuzz(func(t *testing.T, raw string) {
		_, path, query, bad := target.Split([]byte(raw))
		if bad != target.OK {
			return
		}
		path, query = slices.Clip(path), slices.Clip(query) // so that reading on behind their end is a panic
		in, r := auth.Input{Path: path, Query: query, Cookies: query}, request()
		var fresh auth.Scratch
		var reasons [2]auth.Reason
		for i, scratch := range []*auth.Scratch{&used, &fresh} {
			found, why := s.Find(&in, scratch)
			for name := range target.Params(found.Query) {
				for _, forbidden := range names {
					if strings.EqualFold(string(name), forbidden) {
						t.Errorf("%q: %s is left in the query %q", raw, name, found.Query)
					}
				}
			}
			canonical, _, bad := target.Canonical(found.Path, nil)
			if why == auth.Allowed && bad == target.OK {
				r.Path, r.Query = canonical, found.Query
				why = s.Verify(&found, &r).Reason
			}
			reasons[i] = why
		}
		if reasons[0] != reasons[1] {
			t.Errorf("%q: %s with used memory, %s with fresh", raw, reasons[0], reasons[1])
		}
	})
}

// Every scheme of other systems keeps the rules that are the site's, not its own.
func TestCompatSite(t *testing.T) {
	const path = "/vod/a.mp4"
	link := func(secret string) string {
		return path + "?token=" + b64md5(path+secret+"1767226200") + "&expire=1767226200"
	}
	with := func(edit func(*auth.Key)) func(*auth.Options) {
		return func(o *auth.Options) { edit(&o.Keys[0]) }
	}
	tests := []struct {
		name string
		want string
		edit func(*auth.Options)
	}{
		{"as it is", "allowed", func(*auth.Options) {}},
		{"short lifetime", "too_long", func(o *auth.Options) { o.MaxLifetime = 10*time.Minute - time.Second }},
		{"long enough", "allowed", func(o *auth.Options) { o.MaxLifetime = 10 * time.Minute }},
		{"revoked key", "key_revoked", func(o *auth.Options) {
			o.Keys[0].State = auth.StateRevoked
			o.Keys = append(o.Keys, auth.Key{ID: "k2", Account: "acme", Type: auth.Secret, Secret: []byte("x")})
		}},
		{"retired key", "key_retired", with(func(k *auth.Key) { k.AcceptUntil = now - 1 })},
		{"not retired yet", "allowed", with(func(k *auth.Key) { k.AcceptUntil = now })},
		{"key of another account", "bad_signature", func(o *auth.Options) {
			o.Keys[0].Account = "beta"
			o.Keys = append(o.Keys, auth.Key{ID: "k2", Account: "acme", Type: auth.Secret, Secret: []byte("x")})
		}},
		{"second key", "allowed", func(o *auth.Options) {
			o.Keys = append([]auth.Key{{ID: "k0", Account: "acme", Type: auth.Secret, Secret: []byte("x")}}, o.Keys...)
		}},
		{"revoked token", "revoked", func(o *auth.Options) { o.Revocations = everything{} }},
		{"no token needed", "allowed", func(o *auth.Options) { o.Required, o.Keys = false, nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := send(t, compat(t, "keycdn", tt.edit), link(plain)+"&v=1")
			if got.word != tt.want || got.query != "v=1" || got.path != path {
				t.Errorf("%s with %s?%s left, want %s", got.word, got.path, got.query, tt.want)
			}
		})
	}
}

// everything is revoked.
type everything struct{}

func (everything) Revoked(string, []byte, *[32]byte, int64) bool { return true }

func TestCompatErrors(t *testing.T) {
	many := make([]auth.Key, 5)
	for i := range many {
		many[i] = auth.Key{ID: fmt.Sprint(i), Account: "acme", Type: auth.Secret, Secret: []byte{1}}
	}
	tests := []struct {
		name string
		edit func(*auth.Options)
		want string
	}{
		{"keycdn", func(o *auth.Options) { o.Keys = nil }, "no key of type [secret] for scheme keycdn"},
		{"keycdn", func(o *auth.Options) { o.Keys = keys() }, "no key of type [secret]"},
		{"keycdn", func(o *auth.Options) { o.Account = "" }, "no account"},
		{"keycdn", func(o *auth.Options) { o.Keys = many }, "5 keys and must try them all"},
		{"keycdn", func(o *auth.Options) { o.Keys[0].Secret = nil }, "secret is empty"},
		{"url-sig", func(*auth.Options) {}, "name from 0 to 15"},
		{"url-sig", func(o *auth.Options) { o.Keys[0].Name = "16" }, "name from 0 to 15"},
		{"url-sig", func(o *auth.Options) { o.Keys[0].Name = "01" }, "name from 0 to 15"},
		{"url-sig", func(o *auth.Options) { o.Keys = many; o.Keys[1].Name = "0" }, "another url-sig key of name 0"},
		{"secure-link-secret", func(*auth.Options) {}, "without_expiry"},
		{"wowza", func(o *auth.Options) { o.Wowza.Hash = "md5" }, "wowza.hash"},
		{"wowza", func(o *auth.Options) { o.Wowza.ContentPath = "/a" }, "wowza.content_path"},
		{"bunny", func(o *auth.Options) { o.Bunny.Mode = "x" }, "bunny.mode"},
		{"bunny", func(o *auth.Options) { o.Bunny.IPOrder = []string{"x"} }, "bunny.ip_order"},
		{"vdox", func(o *auth.Options) { o.VDOX.Path = "x" }, "vdox.path"},
		{"media-cdn", func(*auth.Options) {}, "no key of type [ed25519 hmac-sha256 hmac-sha1]"},
	}
	for _, tt := range tests {
		o := auth.Options{
			Account: "acme", Required: true,
			Keys: []auth.Key{{ID: "k1", Account: "acme", Type: auth.Secret, Secret: []byte(plain)}},
		}
		tt.edit(&o)
		s, err := auth.New(tt.name, o)
		if s != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New(%s): %v, %v, want an error with %q", tt.name, s, err, tt.want)
		}
		var setting *auth.SettingError
		if !errors.Is(err, auth.ErrKey) && !errors.As(err, &setting) && !strings.Contains(tt.want, "account") {
			t.Errorf("New(%s): %v is neither a SettingError nor of a key", tt.name, err)
		}
	}
}

// spellings are a link and others with the same token, written in another way.
func spellings() map[string][]string {
	const exp = "1767226200"
	link := b64md5("/a" + exp + " " + plain)
	wowza := strings.TrimRight(b64sha256("?"+plain+"&wowzatokenendtime="+exp), "=")
	vdox := "/?account=k1&file=f&token=" + strings.ReplaceAll(vdoxToken(now, "f", plain), "%7C", "|")
	media := same("PathGlobs=/*~Expires=" + exp)
	return map[string][]string{
		"secure-link": {"/a?md5=" + link + "&e=" + exp, "/a?md5=" + link + "==&e=" + exp},
		"wowza":       {"/a?wowzatokenendtime=" + exp + "&wowzatokenhash=" + wowza, "/a?wowzatokenendtime=" + exp + "&wowzatokenhash=" + wowza + "=", "/a?wowzatokenendtime=" + exp + "&wowzatokenhash=" + wowza + "%3D"},
		"vdox":        {vdox, strings.Replace(vdox, "|", "%7C", 1), strings.Replace(vdox, "|", "%7c", 1)},
		"media-cdn":   {"/a?edge-cache-token=" + media, "/a?edge-cache-token=" + strings.ReplaceAll(media, "~", "%7e"), "/a?edge-cache-token=" + strings.Replace(media, "P", "%50", 1)},
	}
}

// A token that was withdrawn stays so in every spelling that is taken.
func TestRevokedInAnySpelling(t *testing.T) {
	for name, links := range spellings() {
		var list hashes
		s := compat(t, name, func(o *auth.Options) {
			o.SecureLink = auth.SecureLinkOptions{Link: "$arg_md5,$arg_e", MD5: "$uri$secure_link_expires $secret"}
			o.Revocations = &list
			if name == "media-cdn" {
				mediaKeys(o)
			}
		})
		for _, raw := range links {
			if got := send(t, s, raw); got.word != "allowed" {
				t.Errorf("%s: %s: %s, want allowed", name, raw, got.word)
			}
		}
		if slices.Sort(list); len(list) != len(links) || len(slices.Compact(list)) != 1 {
			t.Errorf("%s: %d spellings have the hashes %x", name, len(links), list)
		}
	}
}

// hashes notes for which tokens it was asked.
type hashes []string

func (h *hashes) Revoked(_ string, _ []byte, hash *[32]byte, _ int64) bool {
	*h = append(*h, string(hash[:]))
	return false
}
