package auth

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"testing"
)

const testPayload = "exp=1767226200\np=/acme/\n"

func testSignatures(t testing.TB) *Signatures {
	t.Helper()
	s, err := NewSignatures(64)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testPrivate(fill byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{fill}, ed25519.SeedSize))
}

func testECT(t testing.TB, s *Signatures, fill byte, edit ...func(*Options)) *ECT {
	t.Helper()
	public, _ := testPrivate(fill).Public().(ed25519.PublicKey)
	o := Options{
		Account: "acme", Required: true, Signatures: s,
		Keys: []Key{{ID: "ed", Account: "acme", Type: Ed25519, Public: public}},
	}
	for _, e := range edit {
		e(&o)
	}
	e, err := NewECT(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func testToken(t testing.TB, fill byte) []byte {
	t.Helper()
	signed := "d1.ed." + base64.RawURLEncoding.EncodeToString([]byte(testPayload))
	sig := ed25519.Sign(testPrivate(fill), []byte(signed))
	return []byte(signed + "." + base64.RawURLEncoding.EncodeToString(sig))
}

func judgeAt(e *ECT, token []byte, now int64) Reason {
	f := Found{N: 1}
	f.Tokens[0] = token
	return e.Verify(&f, &Request{Method: []byte("GET"), Path: []byte("/acme/x"), Now: now}).Reason
}

func TestSignaturesRemembersRightOnes(t *testing.T) {
	s := testSignatures(t)
	e, token := testECT(t, s, 1), testToken(t, 1)
	sum := sha256.Sum256(token)
	if s.has(&sum, &e.keys["ed"].public) {
		t.Fatal("known before it was verified")
	}
	if why := judgeAt(e, token, 1767225600); why != Allowed {
		t.Fatalf("verdict %v", why)
	}
	if !s.has(&sum, &e.keys["ed"].public) {
		t.Error("not remembered")
	}
}

func TestSignaturesForgetsWrongOnes(t *testing.T) {
	s := testSignatures(t)
	e, token := testECT(t, s, 1), testToken(t, 2)
	if why := judgeAt(e, token, 1767225600); why != BadSignature {
		t.Fatalf("verdict %v", why)
	}
	sum := sha256.Sum256(token)
	if s.has(&sum, &e.keys["ed"].public) {
		t.Error("a wrong signature was remembered")
	}
}

// The same kid may name another key after a reload; what the old key signed must
// not pass then, though the store outlives the reload.
func TestSignaturesAreBoundToTheKey(t *testing.T) {
	s := testSignatures(t)
	token := testToken(t, 1)
	if why := judgeAt(testECT(t, s, 1), token, 1767225600); why != Allowed {
		t.Fatalf("with the key that signed: %v", why)
	}
	if why := judgeAt(testECT(t, s, 2), token, 1767225600); why != BadSignature {
		t.Errorf("with another key of the same kid: %v, want bad_signature", why)
	}
}

func TestSignaturesCompareTheWholeHash(t *testing.T) {
	s := testSignatures(t)
	var public [ed25519.PublicKeySize]byte
	stored := sha256.Sum256([]byte("stored"))
	s.add(&stored, &public)
	other := stored
	other[sha256.Size-1] ^= 1 // the same slot
	if s.has(&other, &public) {
		t.Error("a hash that differs in its last bit is taken for the stored one")
	}
	if !s.has(&stored, &public) {
		t.Error("the stored one is gone")
	}
}

// A remembered signature answers nothing but whether it is right.
func TestSignaturesDoNotRememberTheVerdict(t *testing.T) {
	s := testSignatures(t)
	e, token := testECT(t, s, 1), testToken(t, 1)
	judgeAt(e, token, 1767225600)
	if why := judgeAt(e, token, 1767226200); why != Expired {
		t.Errorf("at its end: %v, want expired", why)
	}
	revoked := testECT(t, s, 1, func(o *Options) {
		o.Required = false
		o.Keys[0].State = StateRevoked
	})
	revoked.required = true
	if why := judgeAt(revoked, token, 1767225600); why != KeyRevoked {
		t.Errorf("after the key was revoked: %v, want key_revoked", why)
	}
	moved := testECT(t, s, 1, func(o *Options) { o.Account, o.Required = "beta", false })
	moved.required = true
	if why := judgeAt(moved, token, 1767225600); why != WrongAccount {
		t.Errorf("on a site of another account: %v, want wrong_account", why)
	}
}

func TestSignaturesConcurrently(t *testing.T) {
	s := testSignatures(t)
	e := testECT(t, s, 1)
	good, bad := testToken(t, 1), testToken(t, 2)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if why := judgeAt(e, good, 1767225600); why != Allowed {
					t.Errorf("good token: %v", why)
				}
				if why := judgeAt(e, bad, 1767225600); why != BadSignature {
					t.Errorf("bad token: %v", why)
				}
			}
		})
	}
	wg.Wait()
}

// However many there are, they take the places that there are, and the last one is known.
func TestSignaturesAreBounded(t *testing.T) {
	s := testSignatures(t)
	var public [ed25519.PublicKeySize]byte
	for i := range 100 * len(s.table) {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		if s.add(&sum, &public); !s.has(&sum, &public) {
			t.Fatalf("signature %d is not known", i)
		}
	}
	if len(s.table) != 64 {
		t.Errorf("%d places, want 64", len(s.table))
	}
	for i := range s.table {
		if s.table[i].Load() == nil {
			t.Errorf("place %d is empty", i)
		}
	}
}

func TestNewSignaturesErrors(t *testing.T) {
	for _, n := range []int{0, -1} {
		if _, err := NewSignatures(n); err == nil {
			t.Errorf("NewSignatures(%d) is no error", n)
		}
	}
}
