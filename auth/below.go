package auth

import (
	re "regexp/syntax"
	"slices"
)

// Bounds of the search of matchesBelow. Patterns of people need a dozen states of a few
// dozen instructions.
const (
	maxBelowStates  = 64
	maxBelowProgram = 256
)

// matchBelow is matchesBelow, which it asks once for each directory: players ask for
// manifests again and again.
func (p *patterns) matchBelow(pattern string, s syntax, text []byte, query bool) bool {
	k := belowKey{patternKey{pattern, s}, string(text), query}
	p.mu.RLock()
	covered, known := p.below[k]
	p.mu.RUnlock()
	if known {
		return covered
	}
	covered = matchesBelow(k.patternKey, text, query)
	p.mu.Lock()
	if len(p.below) >= maxPatterns {
		clear(p.below)
	}
	p.below[k] = covered
	p.mu.Unlock()
	return covered
}

type belowKey struct {
	patternKey
	dir   string
	query bool
}

// matchesBelow reports whether a pattern matches all of every URI that begins with text
// and goes on with any path, and where query is set any query. It is exact but for
// patterns with word boundaries and very large ones, for which it says no.
//
// It runs the pattern's automaton over text and looks at each state that can be reached
// from there: all must be states in which the pattern has matched.
func matchesBelow(k patternKey, text []byte, query bool) bool {
	flags := map[syntax]re.Flags{posix: re.POSIX, re2: re.Perl, re2NoCase: re.Perl | re.FoldCase}[k.syntax]
	if len(k.text) > maxPatternSize {
		return false
	}
	tree, err := re.Parse(k.text, flags)
	if err != nil {
		return false
	}
	program, err := re.Compile(tree.Simplify())
	if err != nil || len(program.Inst) > maxBelowProgram {
		return false
	}
	a := automaton{program: program, seen: map[string]bool{}}
	state := a.close(nil, uint32(program.Start), re.EmptyBeginText|re.EmptyBeginLine)
	for _, c := range text {
		state = a.step(state, rune(c))
	}
	return len(text) > 0 && a.all(state, query, false)
}

// automaton explores the states of a program. A state is the sorted list of instructions
// that it may stand at.
type automaton struct {
	program *re.Prog
	seen    map[string]bool
	unsure  bool // there are conditions that are not followed
}

// all reports whether the program has matched in state and in all that follow. In a query
// '?' is a byte like others.
func (a *automaton) all(state []uint32, query, inQuery bool) bool {
	name := a.name(state, inQuery)
	if a.seen[name] {
		return true
	}
	if a.seen[name] = true; len(a.seen) > maxBelowStates || !a.matched(state) || a.unsure {
		return false
	}
	for c := rune('!'); c <= '~'; c++ {
		switch {
		case c == '#', c == '?' && !inQuery && !query:
		case !a.all(a.step(state, c), query, inQuery || c == '?'):
			return false
		}
	}
	return true
}

func (a *automaton) name(state []uint32, inQuery bool) string {
	b := make([]byte, 1, 1+4*len(state))
	if inQuery {
		b[0] = 1
	}
	for _, pc := range state {
		b = append(b, byte(pc), byte(pc>>8), byte(pc>>16), byte(pc>>24))
	}
	return string(b)
}

// matched reports whether the text may end in state.
func (a *automaton) matched(state []uint32) bool {
	var end []uint32
	for _, pc := range state {
		end = a.close(end, pc, re.EmptyEndText|re.EmptyEndLine)
	}
	return slices.ContainsFunc(end, func(pc uint32) bool { return a.program.Inst[pc].Op == re.InstMatch })
}

// step returns the state after a byte.
func (a *automaton) step(state []uint32, c rune) (next []uint32) {
	for _, pc := range state {
		switch i := &a.program.Inst[pc]; i.Op {
		case re.InstRune, re.InstRune1, re.InstRuneAny, re.InstRuneAnyNotNL:
			if i.MatchRune(c) {
				next = a.close(next, i.Out, 0)
			}
		default:
		}
	}
	return next
}

// close adds to state all that can be reached from pc without a byte, where the given
// conditions hold. A condition that does not hold stays in the state: it may at the end.
func (a *automaton) close(state []uint32, pc uint32, holds re.EmptyOp) []uint32 {
	at, known := slices.BinarySearch(state, pc)
	if known {
		return state
	}
	state = slices.Insert(state, at, pc)
	switch i := &a.program.Inst[pc]; i.Op {
	case re.InstAlt, re.InstAltMatch:
		return a.close(a.close(state, i.Out, holds), i.Arg, holds)
	case re.InstCapture, re.InstNop:
		return a.close(state, i.Out, holds)
	case re.InstEmptyWidth:
		needs := re.EmptyOp(i.Arg)
		if needs&(re.EmptyWordBoundary|re.EmptyNoWordBoundary) != 0 {
			a.unsure = true
		} else if needs&^holds == 0 {
			return a.close(state, i.Out, holds)
		}
	default:
	}
	return state
}
