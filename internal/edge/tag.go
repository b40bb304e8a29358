package edge

import (
	"slices"

	"edged/cache/object"
	"edged/cache/purge"
)

// tag moves the surrogate keys of a response, or of a 304 that brought new ones,
// from the header to where purges look for them. Viewers see them where the site
// wants that only: they tell how a customer organises its content.
func (f *fetch) tag(m *object.Meta) {
	if keys := purge.Keys(m.Header); keys != "" {
		m.Keys = keys
	}
	if !f.site.ShowKeys {
		m.Header = slices.DeleteFunc(m.Header, func(h object.Field) bool { return purge.IsKeyField(h.Name) })
	}
}
