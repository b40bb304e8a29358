package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// maxTrials is how many keys of one account a scheme without key ids may have: each
// is tried on every token.
const maxTrials = 8

// guard is what the schemes of the big networks have in common: one site's keys,
// bounds and revocations.
type guard struct {
	scheme      string
	account     string
	required    bool
	byName      map[string]*verifyKey // keys of a fitting type, other accounts' too
	own         []*verifyKey          // those of the site's account, in the order of their ids
	maxLifetime int64                 // seconds
	revocations Revocations
	signatures  *Signatures
}

// newGuard takes the keys of the types that the scheme can use.
func newGuard(scheme string, o Options, types ...KeyType) (guard, error) {
	if o.Account == "" {
		return guard{}, errors.New("auth: no account")
	}
	ring, err := newKeyring(o.Keys)
	if err != nil {
		return guard{}, err
	}
	if o.Required && !ring.has(o.Account, types...) {
		return guard{}, fmt.Errorf("%w: account %s requires tokens but has no key of a fitting type that is not revoked", ErrKey, o.Account)
	}
	g := guard{
		scheme: scheme, account: o.Account, required: o.Required,
		byName: map[string]*verifyKey{}, own: ring.fitting(o.Account, types...),
		maxLifetime: lifetime(o.MaxLifetime),
		revocations: o.Revocations, signatures: o.Signatures,
	}
	for _, k := range ring {
		if !slices.Contains(types, k.Type) {
			continue
		}
		if other := g.byName[k.name()]; other != nil {
			return guard{}, fmt.Errorf("%w: %s and %s have the name %s", ErrKey, other.ID, k.ID, k.name())
		}
		g.byName[k.name()] = k
	}
	return g, nil
}

// Name returns the scheme's word in configuration and logs.
func (g *guard) Name() string { return g.scheme }

// lenient lets pass what Find would refuse on a site that requires no token.
func (g *guard) lenient(f Found, why Reason) (Found, Reason) {
	if !g.required {
		why = Allowed
	}
	return f, why
}

// best verifies the tokens that were found, on a site that requires one.
func (g *guard) best(f *Found, r *Request, verify func([]byte, *Found, *Request) Verdict) Verdict {
	if !g.required {
		return Verdict{Scheme: g.scheme}
	}
	return bestOf(g.scheme, f, r, verify)
}

// bestOf verifies the tokens that were found: any good one allows; if none does, the
// verdict is about the one that came furthest.
func bestOf(scheme string, f *Found, r *Request, verify func([]byte, *Found, *Request) Verdict) Verdict {
	best := Verdict{Scheme: scheme, Reason: Missing}
	for i := range f.N {
		v := verify(f.Tokens[i], f, r)
		if v.Reason == Allowed {
			v.Token = f.Tokens[i]
			return v
		}
		if v.Reason > best.Reason {
			best = v
		}
	}
	return best
}

// key finds the signing key of this name, if it is the account's and in use.
func (g *guard) key(name string, now int64) (*verifyKey, Reason) {
	k := g.byName[name]
	switch {
	case k == nil:
		return nil, UnknownKey
	case k.Account != g.account:
		return k, WrongAccount
	}
	return k, k.usable(now)
}

// renewKey finds the key that signs renewed tokens by its id, nil for none. setting
// is where it is configured.
func (g *guard) renewKey(setting, id string) (*verifyKey, error) {
	if id == "" {
		return nil, nil //nolint:nilnil // none is a choice
	}
	for _, k := range g.own {
		if k.ID == id && k.Type.Shared() {
			return k, nil
		}
	}
	return nil, settingf(setting, "%q is not the kid of a key with a secret", id)
}

// tooLong reports whether a token lives longer than the account allows.
func (g *guard) tooLong(expires, now int64) bool { return expires > now+g.maxLifetime }

// withdrawn asks the revocations about a token. What stands for it is the SHA-256 of
// what was signed: some signatures can be spelled in several ways, that cannot.
func (g *guard) withdrawn(kid string, session []byte, sum *[sha256.Size]byte, issued int64) bool {
	return g.revocations != nil && g.revocations.Revoked(kid, session, sum, issued)
}

// remembered runs check, which is costly, unless the same signature of the same key
// over the same bytes was found right before.
func (g *guard) remembered(k *verifyKey, signed, sig []byte, check func() bool) bool {
	h := sha256.New()
	var length [8]byte
	for i := range length {
		length[i] = byte(len(signed) >> (8 * i))
	}
	h.Write(length[:]) // so that no byte can move from one part to the other
	h.Write(signed)
	h.Write(sig)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	if g.signatures.has(&sum, &k.public) {
		return true
	}
	if !check() {
		return false
	}
	g.signatures.add(&sum, &k.public)
	return true
}
