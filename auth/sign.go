package auth

import (
	"crypto/md5" //nolint:gosec // what other systems sign with
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ErrCannotSign marks a scheme, or a form of one, that tokens are not made for here.
var ErrCannotSign = errors.New("auth: cannot sign")

// SignRequest is the URL that a token shall open, and for whom.
type SignRequest struct {
	Path, Query string // raw target
	Canonical   []byte // decoded path
	Host        []byte // canonical
	TLS         bool
	Client      netip.Addr // for schemes that sign the address; may be invalid
	Now         int64      // Unix seconds
	Expires     int64      // last or first bad second, as the scheme has it
	Scope       string     // canonical directory, for schemes that sign one; "" is the file alone
}

// signer is a scheme with shared secrets that can make what it verifies.
type signer interface {
	sign(q *SignRequest) (path, query string, err error)
}

// Sign returns the raw path and query of q with a token in them, of the first active
// key of the scheme. Not all schemes can; the others give ErrCannotSign.
func Sign(s Scheme, q *SignRequest) (path, query string, err error) {
	if c, ok := s.(*Chain); ok {
		s = c.members[0]
	}
	if m, ok := s.(signer); ok {
		return m.sign(q)
	}
	return "", "", fmt.Errorf("%w: scheme %s", ErrCannotSign, s.Name())
}

// active returns the key to sign with.
func (c *compat) active() (*verifyKey, error) {
	for _, k := range c.keys {
		if k.State == StateActive && k.Type.Shared() {
			return k, nil
		}
	}
	return nil, fmt.Errorf("%w: scheme %s has no active key with a secret", ErrCannotSign, c.name)
}

// with returns the query with more parameters behind it.
func (q *SignRequest) with(more string) string {
	if q.Query == "" {
		return more
	}
	return q.Query + "&" + more
}

func (s *SecureLink) sign(q *SignRequest) (path, query string, err error) {
	k, err := s.active()
	if err != nil {
		return "", "", err
	}
	end := strconv.FormatInt(q.Expires, 10)
	if s.link.has(varCapture) {
		return "", "", fmt.Errorf("%w: the place of the token in the path is a pattern", ErrCannotSign)
	}
	f := Found{Query: []byte(q.Query), scratch: new(Scratch)}
	s.params.cut(&f)
	vals := values{path: q.Canonical, host: q.Host, client: q.Client, secret: k.Secret, expires: []byte(end), params: f.scratch.params[:]}
	if i := s.expiryPart(); i > 0 && i < len(s.link) {
		vals.params[s.link[i].index].value = []byte(end)
	}
	sum := md5.Sum(s.md5.append(nil, &vals)) //nolint:gosec // what other systems sign with
	more := s.params.names[0] + "=" + base64.RawURLEncoding.EncodeToString(sum[:])
	if i := s.expiryPart(); i > 0 && i < len(s.link) {
		more += "&" + s.link[i].text + "=" + end
	} else if s.md5.has(varExpires) {
		more += "==," + end
	}
	return q.Path, q.with(more), nil
}

func (l *LinkSecret) sign(q *SignRequest) (path, query string, err error) {
	k, err := l.active()
	if err != nil {
		return "", "", err
	}
	link := q.Path[1:]
	if q.Query != "" {
		link += "?" + q.Query
	}
	sum := md5.Sum(append([]byte(link), k.Secret...)) //nolint:gosec // what other systems sign with
	return "/p/" + hex.EncodeToString(sum[:]) + q.Path, q.Query, nil
}

func (y *Fastly) sign(q *SignRequest) (path, query string, err error) {
	k, err := y.active()
	if err != nil {
		return "", "", err
	}
	end := strconv.FormatInt(q.Expires, 10)
	return q.Path, q.with("token=" + end + "_" + hex.EncodeToString(k.mac(nil, []byte(q.Path+end)))), nil
}

// sign needs account and file in the query of the URL. A token of VDO-X has the time
// after which its validity begins to run.
func (x *VDOX) sign(q *SignRequest) (path, query string, err error) {
	f := Found{Query: []byte(q.Query), scratch: new(Scratch)}
	x.params.cut(&f)
	account, ok := appendForm(nil, f.scratch.params[vdoxAccount].value)
	file, ok2 := appendForm(nil, f.scratch.params[vdoxFile].value)
	if !ok || !ok2 || len(file) == 0 {
		return "", "", fmt.Errorf("%w: the URL needs account=… and file=…", ErrCannotSign)
	}
	at := q.Expires - x.validity
	for _, k := range x.keys {
		if k.name() != string(account) || k.State != StateActive {
			continue
		}
		sum := md5.Sum([]byte(strconv.FormatInt(at, 10) + string(file) + string(k.Secret))) //nolint:gosec // what other systems sign with
		return q.Path, q.with("token=" + strconv.FormatInt(at, 16) + "%7C" + hex.EncodeToString(sum[:])), nil
	}
	return "", "", fmt.Errorf("%w: no active key of the name %q", ErrCannotSign, account)
}

func (u *URLSig) sign(q *SignRequest) (path, query string, err error) {
	k, err := u.active()
	if err != nil {
		return "", "", err
	}
	more := "E=" + strconv.FormatInt(q.Expires, 10) + "&A=1&K=" + k.name() + "&P=1&S="
	if q.Client.IsValid() {
		more = "C=" + q.Client.Unmap().String() + "&" + more
	}
	query = q.with(more)
	mac := u.byName[k.name()].sha1.mac(nil, []byte(string(q.Host)+strings.TrimSuffix(q.Path, "/")+"?"+query))
	return q.Path, query + hex.EncodeToString(mac), nil
}

func (m *MediaCDN) sign(q *SignRequest) (path, query string, err error) {
	k, err := m.active()
	if err != nil {
		return "", "", err
	}
	fields := "~Expires=" + strconv.FormatInt(q.Expires, 10)
	carried, signed := "FullPath"+fields, "FullPath="+q.Path+fields
	if q.Scope != "" {
		prefix := url.URL{Path: q.Scope}
		carried = "URLPrefix=" + base64.RawURLEncoding.EncodeToString([]byte(string(appendBase(nil, &Request{Host: q.Host, TLS: q.TLS}))+prefix.EscapedPath())) + fields
		signed = carried
	}
	return q.Path, q.with(m.token + "=" + carried + "~hmac=" + hex.EncodeToString(k.mac(nil, []byte(signed)))), nil
}

func (w *Wowza) sign(q *SignRequest) (path, query string, err error) {
	k, err := w.active()
	if err != nil {
		return "", "", err
	}
	query = q.with(w.prefix + "endtime=" + strconv.FormatInt(q.Expires, 10))
	s := new(Scratch)
	if why := w.public(s, []byte(query)); why != Allowed {
		return "", "", fmt.Errorf("%w: the URL has a %s parameter of the token already", ErrCannotSign, why)
	}
	one := *w
	one.keys = []*verifyKey{k}
	one.signer(s, &Request{Path: q.Canonical, Client: q.Client})
	return q.Path, query + "&" + w.prefix + "hash=" + base64.URLEncoding.EncodeToString(s.mac), nil
}

func (b *Bunny) sign(q *SignRequest) (path, query string, err error) {
	k, err := b.active()
	if err != nil {
		return "", "", err
	}
	f := Found{N: 1, scratch: new(Scratch)}
	end := strconv.FormatInt(q.Expires, 10)
	params := q.Query
	if q.Scope != "" && b.mode != BunnyMD5 {
		params = "token_path=" + url.QueryEscape(q.Scope) // of the path segment
	}
	f.Tokens[0], f.Tokens[1] = []byte("HS256-1-"), []byte(params)
	f.scratch.params[bunnyExpires] = sighting{n: 1, value: []byte(end)}
	r := Request{Path: q.Canonical, Client: q.Client}
	message, why := b.message(&f, &r)
	if why != Allowed {
		return "", "", fmt.Errorf("%w: the query of the URL is %s", ErrCannotSign, why)
	}
	bound := b.address || q.Client.IsValid() && b.mode == BunnyHS256
	token := b.digestOf(k, b.lay(nil, message, b.order[0], bound, &f, &r), bound)
	if strings.HasPrefix(params, "token_path=") && q.Scope != "" {
		return "/bcdn_token=" + token + "&" + params + "&expires=" + end + q.Path, q.Query, nil
	}
	return q.Path, q.with("token=" + token + "&expires=" + end), nil
}

// digestOf writes the token over signed bytes in the generation's form.
func (b *Bunny) digestOf(k *verifyKey, signed []byte, bound bool) string {
	encode := base64.RawURLEncoding.EncodeToString
	keyed := append([]byte(nil), k.Secret...)
	switch b.mode {
	case BunnyMD5:
		sum := md5.Sum(append(keyed, signed...)) //nolint:gosec // what other systems sign with
		return encode(sum[:])
	case BunnySHA256:
		sum := sha256.Sum256(append(keyed, signed...))
		return encode(sum[:])
	}
	if bound {
		return "HS256-1-" + encode(k.mac(nil, signed))
	}
	return "HS256-" + encode(k.mac(nil, signed))
}
