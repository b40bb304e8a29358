package auth

import (
	"bytes"
	"crypto/hmac"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

// Tags of a CAT: CWT (RFC 8392 §6) around one of two COSE messages (RFC 9052 §2).
const (
	tagCWT   = 61
	tagMac0  = 17
	tagSign1 = 18
)

// Labels of COSE headers.
const (
	labelAlgorithm = 1
	labelKeyID     = 4
)

// algorithmHMAC is HMAC 256/256 (RFC 9053 §3.1). The one with 64 bits is not allowed.
const algorithmHMAC cose.Algorithm = 5

// codec reads and writes CBOR in which everything has one reading.
type codec struct {
	dec cbor.DecMode
	enc cbor.EncMode
}

func newCodec() (*codec, error) {
	dec, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden,
		UTF8: cbor.UTF8RejectInvalid, MaxNestedLevels: maxDepth, MaxArrayElements: 64, MaxMapPairs: 64,
	}.DecMode()
	if err != nil {
		return nil, err
	}
	enc, err := cbor.CoreDetEncOptions().EncMode()
	return &codec{dec, enc}, err
}

// coseMessage is a COSE_Mac0 or a COSE_Sign1: both have the same four parts.
type coseMessage struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[int64]cbor.RawMessage
	Payload     []byte
	Sig         []byte // tag of a MAC, or signature
}

// sealed is a token taken apart. Nothing in it is authentic.
type sealed struct {
	coseMessage
	tag       uint64
	algorithm cose.Algorithm
	kid       []byte
}

// open takes a token apart. Its framing must be as a deterministic encoder writes it
// (RFC 8949 §4.2), for it is not signed: else one token had many spellings.
func (c *codec) open(b []byte) (s sealed, ok bool) {
	outer := b
	var tag cbor.RawTag
	if c.dec.Unmarshal(outer, &tag) != nil {
		return s, false
	}
	if tag.Number == tagCWT {
		if outer = tag.Content; c.dec.Unmarshal(outer, &tag) != nil {
			return s, false
		}
	}
	s.tag = tag.Number
	if s.tag != tagMac0 && s.tag != tagSign1 || c.dec.Unmarshal(tag.Content, &s.coseMessage) != nil {
		return s, false
	}
	again, err := c.enc.Marshal(cbor.Tag{Number: s.tag, Content: s.coseMessage})
	if err != nil || !bytes.Equal(again, outer) || len(b) != len(outer) && len(b) != len(outer)+2 {
		return s, false
	}
	return s, c.headers(&s)
}

// headers reads the two headers, where only the algorithm and one key id may be.
// "crit" is among what is refused.
func (c *codec) headers(s *sealed) bool {
	var protected map[int64]cbor.RawMessage
	if c.dec.Unmarshal(s.Protected, &protected) != nil {
		return false
	}
	algorithm, ok := c.integer(protected[labelAlgorithm])
	if !ok || len(protected)+len(s.Unprotected) != 2 {
		return false
	}
	s.algorithm = cose.Algorithm(algorithm)
	kid, inside := protected[labelKeyID]
	if !inside {
		kid = s.Unprotected[labelKeyID]
	}
	s.kid, ok = c.byteString(kid)
	return ok && len(s.kid) > 0
}

// signed returns what MAC or signature cover: the structures of RFC 9052 §4.4 and
// §6.3, whose contexts keep one from being taken for the other.
func (c *codec) signed(s *sealed) []byte {
	context := "MAC0"
	if s.tag == tagSign1 {
		context = "Signature1"
	}
	b, err := c.enc.Marshal([]any{context, s.Protected, []byte{}, s.Payload})
	if err != nil {
		return nil // never: the types are fixed
	}
	return b
}

// coseAlgorithm is the one algorithm that a key signs with, whatever a token says.
func coseAlgorithm(t KeyType) cose.Algorithm {
	switch t {
	case HMACSHA256, Secret:
		return algorithmHMAC
	case ECDSAP256:
		return cose.AlgorithmES256
	case RSA:
		return cose.AlgorithmPS256
	}
	return 0
}

// signedCOSE reports whether MAC or signature is the key's over the signed bytes.
func (g *guard) signedCOSE(k *verifyKey, s *sealed, signed []byte) bool {
	if s.tag == tagMac0 {
		return hmac.Equal(k.mac(nil, signed), s.Sig)
	}
	return g.remembered(k, signed, s.Sig, func() bool {
		var public any = k.ECDSA
		if k.Type == RSA {
			public = k.RSA
		}
		verifier, err := cose.NewVerifier(s.algorithm, public)
		return err == nil && verifier.Verify(signed, s.Sig) == nil
	})
}

// Major types of CBOR. They are looked at before decoding, for a decoder takes null
// for an absent value of any type.
const (
	majorUnsigned = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
)

func isMajor(raw cbor.RawMessage, major byte) bool { return len(raw) > 0 && raw[0]>>5 == major }

func (c *codec) integer(raw cbor.RawMessage) (n int64, ok bool) {
	ok = isMajor(raw, majorUnsigned) || isMajor(raw, majorNegative)
	ok = ok && c.dec.Unmarshal(raw, &n) == nil
	return n, ok
}

func (c *codec) byteString(raw cbor.RawMessage) (b []byte, ok bool) {
	ok = isMajor(raw, majorBytes) && c.dec.Unmarshal(raw, &b) == nil
	return b, ok
}

func (c *codec) text(raw cbor.RawMessage) (s string, ok bool) {
	ok = isMajor(raw, majorText) && c.dec.Unmarshal(raw, &s) == nil
	return s, ok
}

func (c *codec) list(raw cbor.RawMessage) (items []cbor.RawMessage, ok bool) {
	ok = isMajor(raw, majorArray) && c.dec.Unmarshal(raw, &items) == nil
	return items, ok
}

func (c *codec) table(raw cbor.RawMessage) (entries map[int64]cbor.RawMessage, ok bool) {
	ok = isMajor(raw, majorMap) && c.dec.Unmarshal(raw, &entries) == nil
	return entries, ok
}

func (c *codec) texts(raw cbor.RawMessage) (list []string, ok bool) {
	items, ok := c.list(raw)
	for _, item := range items {
		s, is := c.text(item)
		if !is {
			return nil, false
		}
		list = append(list, s)
	}
	return list, ok && len(list) > 0
}
