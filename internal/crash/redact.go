package crash

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
)

// Bounds of what is passed on.
const (
	maxLines = 2000 // of all traces together: a node may have a goroutine for each viewer
	maxLine  = 4096 // bytes; a longer line is no line of a trace
)

// shape is a kind of line that traces have.
type shape struct {
	like *regexp.Regexp
	// keep returns what is passed on. match is what FindStringSubmatch returned.
	keep func(match []string) string
}

// Names of functions as traces write them, and their arguments.
const (
	function  = `((?:[\w./~%·-]|\(\*?[\w.·]+(?:\[[\w.,]*\])?\)|\[\.\.\.\])+)`
	arguments = `\([0-9a-fx{},?_ .]*\)`
)

// headings begin a trace.
func headings() []shape {
	whole := func(m []string) string { return m[0] }
	return []shape{
		{regexp.MustCompile(`^panic: (runtime error: [\w .,:\[\]{}*()-]+)$`), whole}, // the runtime's texts hold lengths and types
		{regexp.MustCompile(`^(panic: )\S`), func([]string) string { return "panic: (its value is left out)" }},
		{regexp.MustCompile(`^fatal error: [\w .:,()!/-]+$`), whole}, // constants of the runtime
		{regexp.MustCompile(`^SIG[A-Z]+: [a-z /-]+$`), whole},
		{regexp.MustCompile(`^goroutine (\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[([\w ,()-]+)\]:$`), func(m []string) string {
			return "goroutine " + m[1] + " [" + m[2] + "]:"
		}},
		{regexp.MustCompile(`^WARNING: DATA RACE$`), whole},
	}
}

// body is what follows a heading.
func body() []shape {
	return []shape{
		{regexp.MustCompile(`^ *` + function + arguments + `$`), func(m []string) string { return m[1] + "(...)" }},
		{regexp.MustCompile(`^\s+([\w./@+~!-]+\.(?:go|s)):(\d+)(?: \+0x[0-9a-f]+)?(?: fp=\S+ sp=\S+ pc=\S+)?$`), func(m []string) string {
			return "\t" + path.Base(m[1]) + ":" + m[2]
		}},
		{regexp.MustCompile(`^created by ` + function + `(?: in goroutine (\d+))?$`), func(m []string) string { return "created by " + m[1] }},
		{regexp.MustCompile(`^\[signal (SIG[A-Z]+: [a-z -]+?)(?: code=\S+)?(?: addr=\S+)?(?: pc=\S+)?\]$`), func(m []string) string {
			return "[signal " + m[1] + "]"
		}},
		{regexp.MustCompile(`^runtime: [a-z0-9 -]+$`), func(m []string) string { return m[0] }},
	}
}

// redactor knows where in a trace it is.
type redactor struct {
	headings, body []shape
	inTrace        bool // after a heading
	inValue        bool // after "panic: ", until the next heading: its value may go on
	told           bool // that something which is no trace was left out
}

// line returns what of a line is passed on, false when nothing is.
func (r *redactor) line(text string) (string, bool) {
	for _, s := range r.headings {
		if m := s.like.FindStringSubmatch(text); m != nil {
			r.inTrace, r.inValue = true, strings.HasPrefix(text, "panic: ")
			return s.keep(m), true
		}
	}
	if !r.inTrace {
		first := !r.told && text != ""
		r.told = r.told || first
		return "edged: a library wrote to standard error; its text is left out", first
	}
	if r.inValue && !strings.HasPrefix(text, "[signal ") {
		return "", text == ""
	}
	for _, s := range r.body {
		if m := s.like.FindStringSubmatch(text); m != nil {
			return s.keep(m), true
		}
	}
	return "", text == ""
}

// Redact copies traces from in to out until in ends, without values: of a panic the
// kind, of calls functions, files and lines. Text that is no trace is left out.
func Redact(out io.Writer, in io.Reader) error {
	r := redactor{headings: headings(), body: body()}
	lines := bufio.NewReaderSize(in, maxLine)
	for written := 0; ; {
		text, err := nextLine(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("crash: %w", err)
		}
		kept, ok := r.line(text)
		if !ok || written > maxLines {
			continue // reading on: who writes must not be stopped
		}
		if written++; written > maxLines {
			kept = "the rest is left out"
		}
		if _, err := io.WriteString(out, kept+"\n"); err != nil {
			return fmt.Errorf("crash: %w", err)
		}
	}
}

// nextLine returns a line without its end; one that is too long is none at all.
func nextLine(in *bufio.Reader) (string, error) {
	text, more, err := in.ReadLine()
	if err != nil {
		return "", err
	}
	line := string(text)
	for more {
		line = "\x00" // has no shape
		if _, more, err = in.ReadLine(); err != nil {
			return line, nil //nolint:nilerr // comes again with the next call
		}
	}
	return line, nil
}
