package purge

import (
	"strings"

	"edged/cache/object"
)

// Limits of the surrogate keys of one response.
const (
	// MaxKeys is how many there may be.
	MaxKeys = 64
	// MaxKeyBytes bounds the length of one.
	MaxKeyBytes = 1 << 10
	// maxKeysBytes bounds all of them together, with a space between two.
	maxKeysBytes = 4 << 10
)

// AnyKey stands for the keys of a response that has more than the limits allow: a
// purge of any surrogate key of its account purges it, too. An origin may send it
// with that meaning.
const AnyKey = "*"

// Keys returns the surrogate keys that an origin tagged a response with, for
// [object.Meta.Keys]: the words of Surrogate-Key and the comma-separated values of
// Cache-Tag, each once, a space between two. Keys compare byte by byte.
func Keys(h object.Header) string {
	var list []string
	for i := range h {
		switch {
		case strings.EqualFold(h[i].Name, "Surrogate-Key"):
			list = append(list, strings.Fields(h[i].Value)...)
		case strings.EqualFold(h[i].Name, "Cache-Tag"):
			for tag := range strings.SplitSeq(h[i].Value, ",") {
				list = append(list, strings.Fields(tag)...)
			}
		}
	}
	return joinKeys(list)
}

// joinKeys joins the keys of a list, or returns AnyKey where they exceed a limit.
func joinKeys(list []string) string {
	seen := make(map[string]bool, len(list))
	var b strings.Builder
	for _, key := range list {
		if seen[key] {
			continue
		}
		seen[key] = true
		if key == AnyKey || len(seen) > MaxKeys || len(key) > MaxKeyBytes || b.Len()+1+len(key) > maxKeysBytes {
			return AnyKey
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(key)
	}
	return b.String()
}

// IsKeyField reports whether a response field holds surrogate keys.
func IsKeyField(name string) bool {
	return strings.EqualFold(name, "Surrogate-Key") || strings.EqualFold(name, "Cache-Tag")
}

// ValidKey reports whether key can be a surrogate key: not empty, not too long, and
// without what separates keys.
func ValidKey(key string) bool {
	return key != "" && len(key) <= MaxKeyBytes && !strings.ContainsAny(key, ", \t\r\n\v\f\x00\u0085\u00a0")
}
