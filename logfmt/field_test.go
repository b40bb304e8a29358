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

func TestFormatDocument(t *testing.T) {
	generated(t, "fields: made from the table in field.go by go test -update", "fields", fieldTable())
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(doc, fmt.Appendf(nil, "schema version %d\n", Version)) {
		t.Errorf("FORMAT.md does not describe version %d", Version)
	}
	if !bytes.Contains(doc, fmt.Appendf(nil, "length of the body, at most %d |", maxBlock-blockHead)) {
		t.Errorf("FORMAT.md has another limit than %d", maxBlock-blockHead)
	}
}

// generated holds a part of FORMAT.md, between two marks, against what it should be.
func generated(t *testing.T, mark, name, want string) {
	t.Helper()
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+mark+" -->\n", "<!-- end of "+name+" -->\n"
	head, rest, ok1 := strings.Cut(string(doc), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("FORMAT.md has lost the marks around its %s", name)
	}
	whole := head + begin + want + end + tail
	if *update {
		if err := os.WriteFile("FORMAT.md", []byte(whole), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(doc) != whole {
		t.Errorf("FORMAT.md has other %s; run go test -update", name)
	}
}

func fieldTable() string {
	var b strings.Builder
	b.WriteString("| W3C | JSON | binary | kind | transform | lifetime | meaning |\n|---|---|---|---|---|---|---|\n")
	for _, f := range Fields() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %v | %v | %s | %s | %s |\n", f.W3C, f.JSON, f.part, f.Kind, f.Transform, f.Lifetime, f.Meaning)
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
