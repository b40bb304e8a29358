package auth

import (
	"bytes"
	"regexp"
	"sync"
)

// Bounds of regular expressions in tokens. They come from customers, not from
// strangers: the signature was right before. Matching takes linear time.
const (
	maxPatternSize = 1024
	maxPatterns    = 1024 // compiled ones that are kept
)

// syntax is the language of a pattern.
type syntax uint8

const (
	posix     syntax = iota // POSIX extended regular expression
	re2                     // the language of Go's package regexp
	re2NoCase               // the same, without regard to case
)

// patterns keeps compiled regular expressions, for all tokens of a title have the
// same. It is safe for concurrent use.
type patterns struct {
	mu       sync.RWMutex
	compiled map[patternKey]*regexp.Regexp // nil for those that do not compile
	below    map[belowKey]bool             // answers of matchBelow
}

type patternKey struct {
	text   string
	syntax syntax
}

func newPatterns() *patterns {
	return &patterns{compiled: map[patternKey]*regexp.Regexp{}, below: map[belowKey]bool{}}
}

// match reports whether the pattern matches all of text. One that cannot be
// compiled matches nothing.
func (p *patterns) match(pattern string, s syntax, text []byte) bool {
	re := p.compile(patternKey{pattern, s})
	if re == nil {
		return false
	}
	if bytes.IndexByte(text, '\n') < 0 {
		return re.Match(text) // ^ and $ are nowhere but at its ends
	}
	at := re.FindIndex(text)
	return at != nil && at[0] == 0 && at[1] == len(text)
}

func (p *patterns) compile(k patternKey) *regexp.Regexp {
	p.mu.RLock()
	re, known := p.compiled[k]
	p.mu.RUnlock()
	if known || len(k.text) > maxPatternSize {
		return re
	}
	re = k.compile()
	p.mu.Lock()
	if len(p.compiled) >= maxPatterns {
		clear(p.compiled)
	}
	p.compiled[k] = re
	p.mu.Unlock()
	return re
}

// compile anchors a pattern at both ends. The pattern is compiled alone first, for
// one like "a)|(b" would break out of the group.
func (k patternKey) compile() *regexp.Regexp {
	compile, flags := regexp.Compile, ""
	switch k.syntax {
	case posix:
		compile = regexp.CompilePOSIX
	case re2NoCase:
		flags = "(?i)"
	case re2:
	}
	if _, err := compile(k.text); err != nil {
		return nil
	}
	re, err := compile(flags + "^(" + k.text + ")$")
	if err != nil {
		return nil
	}
	return re
}
