package cache

import (
	"strconv"
	"strings"

	"edged/cache/object"
)

// appendVariant extends a primary key, already in dst, with the identity of its
// marker and with what sel has for the fields that the marker lists, so that each
// combination is a key of its own, and none is found any more under another marker.
func appendVariant(dst []byte, marker *object.Meta, sel Selecting) []byte {
	dst = strconv.AppendUint(append(dst, 0), marker.Version, 36)
	for name := range strings.SplitSeq(marker.Header.Get("Vary"), ", ") {
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
	marker := f.c.putMarker(primary, list, f.seq)
	f.key = object.Key(appendVariant([]byte(primary), marker, sel))
	f.id = object.HashString(f.c.seed, string(f.key))
}

// primary is the fill's key without a variant: account, site and target.
func (f *Fill) primary() string {
	account, site, target := f.key.Parts()
	return account + "\x00" + site + "\x00" + target
}

// putMarker makes sure that the primary key has a marker that lists names, and
// returns it. seq is the number of the fetch that found that out.
func (c *Cache) putMarker(primary object.Key, names string, seq uint64) *object.Meta {
	id := object.HashString(c.seed, string(primary))
	if o, _ := c.find([]byte(primary)); o != nil && isMarker(o, names) {
		return o.Meta()
	}
	account, _, _ := primary.Parts()
	m := &object.Meta{Account: account, Header: object.Header{{Name: "Vary", Value: names}}}
	m.Freshness.Flags = object.VaryMarker
	f := &Fill{c: c, id: id, key: primary, seq: seq, limit: -1}
	c.fills.Add(1)
	f.Start(m, 0)
	f.Commit(nil, false) //nolint:errcheck // an empty body cannot be cut short
	return f.obj.Meta()
}

func isMarker(o *Object, names string) bool {
	m := o.Meta()
	return m.Freshness.Flags&object.VaryMarker != 0 && m.Header.Get("Vary") == names
}
