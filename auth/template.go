package auth

import (
	"net/netip"
	"slices"
	"strings"
)

// template is an expression of literals and variables, $name or ${name}, as
// ngx_http_secure_link_module takes it. It is compiled once, at configuration.
type template []part

// part is a literal, or a variable.
type part struct {
	kind  partKind
	text  string // the literal, or the name of a capture or argument
	index int    // of an argument or capture
}

type partKind uint8

const (
	literal    partKind = iota
	varURI              // decoded path without the token
	varClient           // text of the client's address
	varHost             // canonical host name
	varExpires          // the expiry that the link holds
	varSecret           // of the key that is tried
	varArg              // raw query parameter
	varCapture          // group of the location
)

// variables are the names without an index.
func variable(name string) (partKind, bool) {
	switch name {
	case "uri":
		return varURI, true
	case "remote_addr":
		return varClient, true
	case "host":
		return varHost, true
	case "secure_link_expires":
		return varExpires, true
	case "secret":
		return varSecret, true
	}
	return 0, false
}

// compileTemplate reads an expression. captures are the names of the location's
// groups; names of arguments are added to args, which it returns.
func compileTemplate(setting, text string, captures, args []string) (template, []string, error) {
	var t template
	for text != "" {
		before, rest, ok := strings.Cut(text, "$")
		if before != "" {
			t = append(t, part{kind: literal, text: before})
		}
		if !ok {
			break
		}
		name, after, ok := variableName(rest)
		if !ok {
			return nil, nil, settingf(setting, "a $ must begin a variable, $name or ${name}")
		}
		p := part{text: name}
		arg, isArg := strings.CutPrefix(name, "arg_")
		kind, known := variable(name)
		switch {
		case known:
			p.kind = kind
		case isArg && arg != "":
			p.kind, p.text = varArg, arg
			if p.index = indexFold(args, arg); p.index < 0 {
				p.index, args = len(args), append(args, arg)
			}
		case slices.Contains(captures, name):
			p.kind, p.index = varCapture, slices.Index(captures, name)
		default:
			return nil, nil, settingf(setting, "$%s is not known: use $uri, $arg_NAME, $remote_addr, $host, $secure_link_expires, $secret, or a named group of location", name)
		}
		t, text = append(t, p), after
	}
	return t, args, nil
}

// variableName reads what follows a '$'.
func variableName(text string) (name, rest string, ok bool) {
	if inner, braced := strings.CutPrefix(text, "{"); braced {
		name, rest, ok = strings.Cut(inner, "}")
		return name, rest, ok && name != ""
	}
	n := strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	})
	if n < 0 {
		n = len(text)
	}
	return text[:n], text[n:], n > 0
}

// indexFold finds a name without regard to case, as variables of arguments are
// looked up.
func indexFold(names []string, name string) int {
	return slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

func (t template) has(kinds ...partKind) bool {
	return slices.ContainsFunc(t, func(p part) bool { return slices.Contains(kinds, p.kind) })
}

// values are what the variables of one request stand for.
type values struct {
	path, host, expires, secret []byte
	client                      netip.Addr
	params                      []sighting // of arguments
	captured                    []byte     // the path the location matched
	groups                      []int      // of captured, in pairs
}

// append appends what the expression stands for.
func (t template) append(dst []byte, v *values) []byte {
	for i := range t {
		switch p := &t[i]; p.kind {
		case literal:
			dst = append(dst, p.text...)
		case varURI:
			dst = append(dst, v.path...)
		case varClient:
			dst = appendAddr(dst, v.client)
		case varHost:
			dst = append(dst, v.host...)
		case varExpires:
			dst = append(dst, v.expires...)
		case varSecret:
			dst = append(dst, v.secret...)
		case varArg:
			dst = append(dst, v.params[p.index].value...)
		case varCapture:
			dst = append(dst, v.group(p.index)...)
		}
	}
	return dst
}

// group returns what the n-th group captured, nothing when it took no part.
func (v *values) group(n int) []byte {
	if 2*n+1 >= len(v.groups) || v.groups[2*n] < 0 {
		return nil
	}
	return v.captured[v.groups[2*n]:v.groups[2*n+1]]
}
