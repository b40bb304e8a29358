package purge

import (
	"crypto/sha256"
	"strings"
	"unsafe"

	"edged/cache/object"
)

// Kind says what a rule names.
type Kind uint8

// The kinds. The numbers are those of the log.
const (
	KindEverything Kind = iota + 1
	KindAccount
	KindPrefix // keys that begin like the rule's
	KindURL    // one primary key with all its variants and coded forms
	KindSurrogate
	kindRequest // no rule: a request that was answered, in a log that was rewritten
)

// String returns the stable word of the API and of logs.
func (k Kind) String() string {
	words := [...]string{"", "everything", "account", "prefix", "url", "surrogate-key", "request"}
	if int(k) >= len(words) {
		return "unknown"
	}
	return words[k]
}

// digest is the beginning of a SHA-256. Whoever may choose names cannot find two
// that share one, so no customer can purge what belongs to another; it needs no
// secret, so every disk and every node has the same.
type digest [16]byte

// digestOf digests s without copying it.
func digestOf(s string) digest {
	sum := sha256.Sum256(unsafe.Slice(unsafe.StringData(s), len(s))) // read only, for the call only
	return digest(sum[:])
}

// surrogateName is the name of a surrogate key: that of its account is in it.
func surrogateName(account digest, key string) digest {
	var text [len(account) + MaxKeyBytes]byte
	n := copy(text[:], account[:])
	n += copy(text[n:], key)
	sum := sha256.Sum256(text[:n])
	return digest(sum[:])
}

// Rule names what is purged. Make it with one of the functions below; it is hard
// until Soft is set.
type Rule struct {
	Kind Kind
	Soft bool // what it names is stale, and served after a validation only

	account, name digest
	length        uint32 // of the text of a prefix
	slash         bool   // a prefix that ends in '/'
	wide          digest // the next shorter prefix that ends in '/', for a full table
	wideLength    uint32 // 0: there is none
}

// Everything names all objects of all accounts.
func Everything() Rule { return Rule{Kind: KindEverything} }

// Account names all objects of an account.
func Account(account string) Rule {
	return Rule{Kind: KindAccount, account: digestOf(account)}
}

// SurrogateKey names the objects of an account whose origin tagged them with key,
// of at most [MaxKeyBytes].
func SurrogateKey(account, key string) Rule {
	a := digestOf(account)
	return Rule{Kind: KindSurrogate, account: a, name: surrogateName(a, key)}
}

// URL names the object with the given primary key, its variants and coded forms.
// What follows the target in key does not count.
func URL(key object.Key) Rule {
	primary := primaryOf(string(key))
	return Rule{Kind: KindURL, account: accountOf(primary), name: digestOf(primary)}
}

// Prefix names the objects whose key begins with key, which holds at least an
// account and the NUL behind it. It need not end at a segment of the path.
func Prefix(key object.Key) Rule {
	text := string(key)
	r := Rule{Kind: KindPrefix, account: accountOf(text), name: digestOf(text), length: uint32(len(text)), slash: strings.HasSuffix(text, "/")}
	if i := strings.LastIndexByte(text, '/'); !r.slash && i >= 0 {
		r.wide, r.wideLength = digestOf(text[:i+1]), uint32(i+1)
	}
	return r
}

// widened returns the rule that a full table takes instead of a prefix within a
// segment.
func (r Rule) widened() Rule {
	if r.wideLength == 0 {
		return Rule{Kind: KindAccount, Soft: r.Soft, account: r.account}
	}
	r.name, r.length, r.slash = r.wide, r.wideLength, true
	return r
}

// accountOf digests the account of a key.
func accountOf(key string) digest {
	account, _, _ := strings.Cut(key, "\x00")
	return digestOf(account)
}

// primaryOf cuts what follows the target off a key: account NUL site NUL target.
func primaryOf(key string) string {
	end := 0
	for range 3 {
		i := strings.IndexByte(key[end:], 0)
		if i < 0 {
			return key
		}
		end += i + 1
	}
	return key[:end-1]
}
