package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"edged/auth"
	"edged/internal/target"
)

// vector is one case of a file of test vectors: a site, a request, and what a
// verifier says.
type vector struct {
	ID      string            `json:"id"`
	Scheme  string            `json:"scheme"`
	Keys    []json.RawMessage `json:"keys"`
	Config  json.RawMessage   `json:"config"`
	Request vectorRequest     `json:"request"`
	Expect  string            `json:"expect"`
	Reason  string            `json:"reason"`
	Class   string            `json:"class"`
}

type vectorRequest struct {
	Method  string      `json:"method"`
	Scheme  string      `json:"scheme"`
	Host    string      `json:"host"`
	Path    string      `json:"path"`  // raw
	Query   string      `json:"query"` // raw
	Cookies [][2]string `json:"cookies"`
	Headers [][2]string `json:"headers"`
	Client  string      `json:"client_ip"`
	Country string      `json:"country"`
	ASN     uint32      `json:"asn"`
	Now     int64       `json:"time_unix"`
}

// family reads the configuration of one scheme of vectors. Each scheme has its own
// keys, so a vector with one that nobody reads is an error.
type family struct {
	name   string // in vectors
	scheme string // in configurations of edged
	read   func(v *vector, o *auth.Options) error
}

// families lists all that can be read.
func families() []family {
	return slices.Concat(nativeFamilies(), digestFamilies(), standardFamilies())
}

// vectorAccount owns the sites of vectors that name no account.
const vectorAccount = "vectors"

// verifyVectors runs all vectors of a file, prints those whose answer is another one
// than they expect, and returns errDenied when there are any.
func verifyVectors(s streams, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("vectors: %w", err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("vectors: %s: %w", file, err)
	}
	var passed, failed, unconfirmed int
	for i := range all {
		v := &all[i]
		complaint := v.run()
		switch {
		case v.Class == "unconfirmed":
			unconfirmed++
			if complaint != "" {
				fmt.Fprintf(s.out, "%s: unconfirmed: %s\n", v.ID, complaint)
			}
		case complaint != "":
			failed++
			fmt.Fprintf(s.out, "%s: %s\n", v.ID, complaint)
		default:
			passed++
		}
	}
	if unconfirmed > 0 {
		fmt.Fprintf(s.out, "%d unconfirmed, not counted\n", unconfirmed)
	}
	fmt.Fprintf(s.out, "%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errDenied
	}
	return nil
}

// run returns what is wrong, "" when the answer is the expected one.
func (v *vector) run() string {
	if v.Expect != "allow" && v.Expect != "deny" {
		return fmt.Sprintf("expect is %q, not allow or deny", v.Expect)
	}
	scheme, err := v.site()
	if err != nil {
		return err.Error()
	}
	got, word := "allow", ""
	var refused *refusal
	switch err := v.walk(scheme, nil); {
	case errors.As(err, &refused):
		got, word = "deny", " ("+refused.word+")"
	case err != nil:
		return err.Error()
	}
	if got == v.Expect {
		return ""
	}
	return fmt.Sprintf("%s%s, expected %s: %s", got, word, v.Expect, v.Reason)
}

// site builds the scheme as a site of this configuration would have it.
func (v *vector) site() (auth.Scheme, error) {
	i := slices.IndexFunc(families(), func(f family) bool { return f.name == v.Scheme })
	if i < 0 {
		return nil, fmt.Errorf("scheme %q is not known", v.Scheme)
	}
	f := families()[i]
	o := auth.Options{Account: vectorAccount, Required: true}
	if err := f.read(v, &o); err != nil {
		return nil, err
	}
	return auth.New(f.scheme, o)
}

// walk sends the vector's request the way of any other. trace may be nil.
func (v *vector) walk(scheme auth.Scheme, trace *auth.Trace) error {
	q := &v.Request
	raw := q.Path
	if q.Query != "" {
		raw += "?" + q.Query
	}
	path, query, err := split([]byte(raw))
	if err != nil {
		return err
	}
	host, _, why := target.Host([]byte(q.Host), nil)
	if why != target.OK {
		return refuseTarget(why)
	}
	fields := headerFields(q.Headers)
	r := auth.Request{
		Method: []byte(q.Method), TLS: q.Scheme == "https", Host: host, Fields: fields,
		Country: q.Country, ASN: q.ASN, Now: q.Now, Trace: trace,
	}
	if q.Client != "" {
		if r.Client, err = netip.ParseAddr(q.Client); err != nil {
			return fmt.Errorf("client_ip: %w", err)
		}
	}
	_, err = walk(scheme, &auth.Input{Path: path, Query: query, Cookies: joinCookies(q.Cookies), Fields: fields}, &r)
	return err
}

// joinCookies writes a Cookie field value, nil for none.
func joinCookies(cookies [][2]string) []byte {
	var b []byte
	for i, c := range cookies {
		if i > 0 {
			b = append(b, "; "...)
		}
		b = append(append(append(b, c[0]...), '='), c[1]...)
	}
	return b
}

// headerFields are header fields in the order they came.
type headerFields [][2]string

// Append implements auth.Fields.
func (h headerFields) Append(dst [][]byte, name string) [][]byte {
	for _, f := range h {
		if strings.EqualFold(f[0], name) {
			dst = append(dst, []byte(f[1]))
		}
	}
	return dst
}

// vectorLimits are the settings that every scheme's config may have. Without
// max_lifetime_s nothing bounds a token, not even one that never expires.
type vectorLimits struct {
	MaxLifetime *int64 `json:"max_lifetime_s"`
}

func (l *vectorLimits) set(o *auth.Options) {
	o.MaxLifetime, o.WithoutExpiry = -1, true
	if l.MaxLifetime != nil {
		o.MaxLifetime, o.WithoutExpiry = wholeSeconds(*l.MaxLifetime), false
	}
}

// strictly decodes JSON into a struct that must know each of its keys.
func strictly(raw json.RawMessage, what string, into any) error {
	if len(raw) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// oneOrMore reads a list of texts, or one that stands for a list.
type oneOrMore []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

// textOrValue reads a text, or any other value as its JSON without spaces.
type textOrValue string

// UnmarshalJSON implements json.Unmarshaler.
func (t *textOrValue) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, (*string)(t)) == nil {
		return nil
	}
	var b bytes.Buffer
	err := json.Compact(&b, text)
	*t = textOrValue(b.String())
	return err
}
