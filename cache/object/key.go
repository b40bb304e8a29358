package object

import (
	"strings"

	"github.com/zeebo/xxh3"
)

// Key is the full text of a cache key:
//
//	account NUL site NUL path [ "?" query ] [ NUL variant ]
//
// path is canonical (package target) and percent-encoded, query holds only what
// the site's key policy lets count. A key never holds a token. The variant part
// is present when the primary key's response has a Vary field.
type Key string

// ID is the 128-bit hash under which a tier indexes a Key. It is seeded with a
// secret so that collisions cannot be crafted; the full Key is compared as well.
type ID struct{ Hi, Lo uint64 }

// Hash returns the ID of key text under seed. The text is borrowed for the call.
func Hash(seed uint64, key []byte) ID {
	h := xxh3.Hash128Seed(key, seed)
	return ID{h.Hi, h.Lo}
}

// HashString is Hash for a string.
func HashString(seed uint64, key string) ID {
	h := xxh3.HashString128Seed(key, seed)
	return ID{h.Hi, h.Lo}
}

// AppendKey appends the primary key text for a request to dst.
func AppendKey(dst []byte, account, site string, path, query []byte) []byte {
	dst = append(append(dst, account...), 0)
	dst = append(append(dst, site...), 0)
	dst = append(dst, path...)
	if len(query) > 0 {
		dst = append(append(dst, '?'), query...)
	}
	return dst
}

// Parts cuts a key into its account, site and target (path and query, without
// the variant).
func (k Key) Parts() (account, site, target string) {
	account, rest, _ := strings.Cut(string(k), "\x00")
	site, rest, _ = strings.Cut(rest, "\x00")
	target, _, _ = strings.Cut(rest, "\x00")
	return account, site, target
}
