package auth

import (
	"bytes"
	"strings"
)

// maxChain bounds how many schemes a site may accept at once. Each reads every
// request.
const maxChain = 4

// Chain accepts the tokens of several schemes while a customer moves from one to
// another.
//
// The schemes may use parameters of the same name. All that find a token judge it,
// in the order of configuration, and one that allows suffices. Tokens in two
// places of the URL are refused as for one scheme; a header field counts only when no
// scheme has found a token in the URL, and a cookie only when none is in a field.
type Chain struct {
	members  []Scheme
	required bool
}

var _ Scheme = (*Chain)(nil)

// NewChain returns a scheme that accepts what any of the named ones does.
func NewChain(names []string, o Options) (*Chain, error) {
	if len(names) > maxChain {
		return nil, settingf("accept", "%d schemes on one site, at most %d", len(names), maxChain)
	}
	c := &Chain{required: o.Required}
	o.Required = true // the chain decides what becomes of requests without a token
	seen := map[string]bool{}
	for i, name := range names {
		setting := "accept"
		if i == 0 {
			setting = "scheme"
		}
		if seen[name] {
			return nil, settingf(setting, "%q is named twice", name)
		}
		seen[name] = true
		s, err := newScheme(name, setting, o)
		if err != nil {
			return nil, err
		}
		c.members = append(c.members, s)
	}
	return c, nil
}

// Name returns the names of all members.
func (c *Chain) Name() string {
	names := make([]string, len(c.members))
	for i, m := range c.members {
		names[i] = m.Name()
	}
	return strings.Join(names, ",")
}

// Find implements Scheme. What is left is without the tokens of any member.
func (c *Chain) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, scratch: scratch}
	all := scratch.chain(len(c.members))
	for i, m := range c.members {
		l := &all[i]
		l.found, l.why = m.Find(in, &l.scratch)
		l.input = Input{Path: f.Path, Query: f.Query}
		rest, _ := m.Find(&l.input, &l.rest)
		f.Path, f.Query = rest.Path, rest.Query
	}
	why := f.agree(all)
	if !c.required {
		why = Allowed
	}
	return f, why
}

// agree says where the token is that counts. A refusal of a token in the URL
// stands: no other scheme may rescue what one calls ambiguous. The path is judged
// only once, so all members that found a token must leave the same one.
func (f *Found) agree(all []link) Reason {
	why := Missing
	for i := range all {
		switch l := &all[i]; {
		case l.found.Carrier == None && l.why != Missing && l.why != Allowed:
			return l.why
		case !l.inURL():
		case l.why != Allowed:
			f.Carrier = l.found.Carrier
			return l.why
		case f.Carrier != None && f.Carrier != l.found.Carrier, !bytes.Equal(l.found.Path, f.Path):
			return TwoPlaces
		default:
			f.Carrier, why = l.found.Carrier, Allowed
		}
	}
	if f.Carrier != None {
		return why
	}
	for _, place := range [...]Carrier{Header, Cookie} {
		for i := range all {
			if l := &all[i]; l.found.Carrier == place && why != Allowed {
				f.Carrier, why = place, l.why
			}
		}
		if f.Carrier != None {
			break
		}
	}
	return why
}

// Verify implements Scheme. When no member allows, the verdict is that of the one
// that came furthest.
func (c *Chain) Verify(f *Found, r *Request) Verdict {
	best := Verdict{Scheme: c.members[0].Name()}
	if !c.required {
		return best
	}
	best.Reason = Missing
	if f.scratch == nil || f.Carrier == None {
		return best
	}
	all := f.scratch.chain(len(c.members))
	for i, m := range c.members {
		l := &all[i]
		if l.found.Carrier != f.Carrier || l.why != Allowed {
			continue
		}
		if !bytes.Equal(l.found.Query, f.Query) || !bytes.Equal(l.found.Path, f.Path) {
			best.Reason = max(best.Reason, TwoPlaces) // another member cut more: this one would judge what is not served
			continue
		}
		l.request = *r
		l.request.Query = l.found.Query
		v := m.Verify(&l.found, &l.request)
		if v.Reason == Allowed {
			return v
		}
		if v.Reason > best.Reason {
			best = v
		}
	}
	return best
}

// link is the working memory of one member of a Chain.
type link struct {
	input   Input
	request Request
	found   Found
	why     Reason
	scratch Scratch
	rest    Scratch // of the second look, which only cuts
}

func (l *link) inURL() bool { return l.found.Carrier == Path || l.found.Carrier == Query }

// chain returns the working memory of n members, made once a connection.
func (s *Scratch) chain(n int) []link {
	if len(s.links) < n {
		s.links = make([]link, n)
	}
	return s.links[:n]
}
