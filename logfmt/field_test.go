package logfmt

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestTableNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Fields() {
		for _, name := range append(strings.Fields(f.W3C), "json "+f.JSON) {
			if seen[name] {
				t.Errorf("name %q is used twice", name)
			}
			seen[name] = true
		}
		if f.Meaning == "" || f.W3C == "" || f.JSON == "" {
			t.Errorf("row %+v is not complete", f)
		}
	}
}

func TestTableRowsHavePlaceInRecord(t *testing.T) {
	var r Record
	for _, f := range Fields() {
		var found int
		for _, there := range []bool{
			r.stringOf(f.id) != nil, r.bytesOf(f.id) != nil, r.countOf(f.id) != nil,
			r.durationOf(f.id) != nil, r.flagOf(f.id) != nil,
		} {
			if there {
				found++
			}
		}
		want := map[Kind]int{KindText: 1, KindCount: 1, KindMicros: 1, KindFlag: 1}[f.Kind]
		if found != want {
			t.Errorf("field %s of kind %v has %d places, want %d", f.JSON, f.Kind, found, want)
		}
	}
}

// The writer appends the last rows on its own, so nothing may follow them.
func TestLateFieldsAreLast(t *testing.T) {
	var late []string
	for _, f := range fields[fieldRun:] {
		late = append(late, f.JSON)
	}
	if got := strings.Join(late, " "); got != "run dropped seq" {
		t.Errorf("late fields are %q", got)
	}
}

func TestFieldsReturnsCopy(t *testing.T) {
	Fields()[0].JSON = "changed"
	if fields[0].JSON != "time" {
		t.Error("the table can be changed from outside")
	}
}

const (
	tableBegin = "<!-- fields: made from the table in field.go by go test -update -->\n"
	tableEnd   = "<!-- end of fields -->\n"
)

func TestFormatDocument(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := bytes.Cut(doc, []byte(tableBegin))
	_, tail, ok2 := bytes.Cut(rest, []byte(tableEnd))
	if !ok1 || !ok2 {
		t.Fatal("FORMAT.md has lost the marks around its table")
	}
	want := string(head) + tableBegin + fieldTable() + tableEnd + string(tail)
	if *update {
		if err := os.WriteFile("FORMAT.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(doc) != want {
		t.Error("FORMAT.md is not what the table says; run go test -update")
	}
	if !strings.Contains(want, fmt.Sprintf("schema version %d\n", Version)) {
		t.Errorf("FORMAT.md does not describe version %d", Version)
	}
}

func fieldTable() string {
	var b strings.Builder
	b.WriteString("| W3C | JSON | kind | transform | lifetime | meaning |\n|---|---|---|---|---|---|\n")
	for _, f := range Fields() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %v | %s | %s | %s |\n", f.W3C, f.JSON, f.Kind, f.Transform, f.Lifetime, f.Meaning)
	}
	return b.String()
}

func TestFormatDocumentNamesEveryWord(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for a := AgentOther; a < numAgents; a++ {
		words = append(words, a.String())
	}
	words = append(words, addressModes[1:]...)
	for _, word := range words {
		if !bytes.Contains(doc, []byte("`"+word+"`")) {
			t.Errorf("FORMAT.md does not mention %q", word)
		}
	}
}
