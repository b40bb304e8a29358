package main

import (
	"fmt"
	"strings"
)

// goal is what a figure should be: at most or at least a number, or anything.
type goal struct {
	kind  byte // '≤' as '<', '≥' as '>', 0 for none
	bound float64
}

func atMost(v float64) goal  { return goal{'<', v} }
func atLeast(v float64) goal { return goal{'>', v} }

// met reports whether v is what it should be.
func (g goal) met(v float64) bool {
	switch g.kind {
	case '<':
		return v <= g.bound
	case '>':
		return v >= g.bound
	}
	return true
}

func (g goal) String() string {
	switch g.kind {
	case '<':
		return "≤ " + number(g.bound)
	case '>':
		return "≥ " + number(g.bound)
	}
	return ""
}

// figure is one row of the table.
type figure struct {
	Experiment, What, Unit string
	Value                  float64
	Goal                   goal
}

// verdict is the last column.
func (f figure) verdict() string {
	switch {
	case f.Goal.kind == 0:
		return ""
	case f.Goal.met(f.Value):
		return "ok"
	}
	return "MISSED"
}

func (f figure) String() string {
	return fmt.Sprintf("%-14s %-52s %10s %-6s %-8s %s", f.Experiment, f.What, number(f.Value), f.Unit, f.Goal, f.verdict())
}

// number writes a value with three significant digits.
func number(v float64) string {
	switch {
	case v >= 100 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// table lays out all rows.
func table(rows []figure) string {
	var b strings.Builder
	for _, f := range rows {
		b.WriteString(strings.TrimRight(f.String(), " ") + "\n")
	}
	return b.String()
}
