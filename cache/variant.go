package cache

import (
	"strings"

	"edged/cache/object"
)

// AppendVariant extends a primary key, already in dst, with what sel has for the
// fields that names lists (", " between them), so that each combination is a key
// of its own.
func AppendVariant(dst []byte, names string, sel Selecting) []byte {
	for name := range strings.SplitSeq(names, ", ") {
		dst = append(dst, 0)
		dst = append(append(dst, name...), '=')
		dst = sel.AppendSelecting(dst, name)
	}
	return dst
}

// Rekey makes a fill that joined under a primary key store its response as a
// variant: the primary key then holds a marker that names the selecting fields.
// It must be called before Start.
func (f *Fill) Rekey(names []string, sel Selecting) {
	list := strings.Join(names, ", ")
	primary := object.Key(f.primary())
	f.c.putMarker(primary, list)
	f.key = object.Key(AppendVariant([]byte(primary), list, sel))
	f.id = object.HashString(f.c.seed, string(f.key))
}

// primary is the fill's key without a variant: account, site and target.
func (f *Fill) primary() string {
	account, site, target := f.key.Parts()
	return account + "\x00" + site + "\x00" + target
}

// putMarker stores that names select among the variants of the primary key.
func (c *Cache) putMarker(primary object.Key, names string) {
	id := object.HashString(c.seed, string(primary))
	if o := c.index.get(id, []byte(primary)); o != nil && isMarker(o, names) {
		return
	}
	account, _, _ := primary.Parts()
	m := &object.Meta{Account: account, Header: object.Header{{Name: "Vary", Value: names}}}
	m.Freshness.Flags = object.VaryMarker
	f := &Fill{c: c, id: id, key: primary, limit: -1}
	c.fills.Add(1)
	f.Start(m, 0)
	f.Commit(nil, false) //nolint:errcheck // an empty body cannot be cut short
}

func isMarker(o *Object, names string) bool {
	m := o.Meta()
	return m.Freshness.Flags&object.VaryMarker != 0 && m.Header.Get("Vary") == names
}
