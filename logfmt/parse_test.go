package logfmt

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	for name, want := range map[string]*Record{
		"full": sampleHit(), "sparse": sampleRefused(), "hostile": hostileRecord(), "zero": {},
	} {
		for _, f := range allFormats {
			var got Record
			if err := Parse(f, Append(nil, f, Full, want), &got); err != nil {
				t.Errorf("%s, %v: %v", name, f, err)
			}
			if d := cmp.Diff(want, &got, sameRecord); d != "" {
				t.Errorf("%s, %v (-want +got):\n%s", name, f, d)
			}
		}
	}
}

func TestRoundTripOfPseudonym(t *testing.T) {
	r := sampleHit()
	r.Pseudonym = 0xfeed
	for _, f := range allFormats {
		line := Append(nil, f, Pseudonym, r)
		var got Record
		if err := Parse(f, line, &got); err != nil || got.Pseudonym != 0xfeed || got.Client.IsValid() {
			t.Errorf("%v: %x, %v, %v", f, got.Pseudonym, got.Client, err)
		}
		for m, kept := range map[AddressMode]bool{Pseudonym: true, Full: true, Strike: false, None: false} {
			again := Append(nil, f, m, &got)
			if bytes.Equal(again, line) != kept {
				t.Errorf("%v, then %v: %s", f, m, again)
			}
		}
	}
}

// Striking a full log gives what a struck log would have been, and striking it
// again changes nothing.
func TestStrikingALog(t *testing.T) {
	for _, f := range allFormats {
		for _, r := range []*Record{sampleHit(), sampleRefused()} {
			line := Append(nil, f, Full, r)
			want := Append(nil, f, Strike, r)
			for round := range 2 {
				var parsed Record
				if err := Parse(f, line, &parsed); err != nil {
					t.Fatal(err)
				}
				line = Append(nil, f, Strike, &parsed)
				if !bytes.Equal(line, want) {
					t.Errorf("%v, round %d:\n got %s\nwant %s", f, round, line, want)
				}
			}
		}
	}
}

func TestParseReusesAndClears(t *testing.T) {
	var r Record
	for _, f := range allFormats {
		if err := Parse(f, Append(nil, f, Full, sampleHit()), &r); err != nil {
			t.Fatal(err)
		}
		if err := Parse(f, Append(nil, f, Full, sampleRefused()), &r); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(sampleRefused(), &r, sameRecord); d != "" {
			t.Errorf("%v: something of the record before is left (-want +got):\n%s", f, d)
		}
	}
}

func TestParseOwnsItsBytes(t *testing.T) {
	for _, f := range allFormats {
		line := Append(nil, f, Full, sampleHit())
		var r Record
		if err := Parse(f, line, &r); err != nil {
			t.Fatal(err)
		}
		clear(line)
		if d := cmp.Diff(sampleHit(), &r, sameRecord); d != "" {
			t.Errorf("%v: the record borrows the line (-want +got):\n%s", f, d)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	w3c := string(Append(nil, W3C, Full, sampleHit()))
	object := string(Append(nil, JSON, Full, sampleHit()))
	for name, tc := range map[string]struct {
		format Format
		line   string
		want   error
	}{
		"empty":             {W3C, "", ErrSyntax},
		"one column less":   {W3C, strings.Replace(w3c, " acme ", " ", 1), ErrSyntax},
		"one column more":   {W3C, strings.Replace(w3c, " acme ", " acme acme ", 1), ErrSyntax},
		"empty column":      {W3C, strings.Replace(w3c, " acme ", "  ", 1), ErrSyntax},
		"bad escape":        {W3C, strings.Replace(w3c, " acme ", " ac%me ", 1), ErrSyntax},
		"bad flag":          {W3C, strings.Replace(w3c, " 1 1 stale", " 2 1 stale", 1), ErrSyntax},
		"missing count":     {W3C, strings.Replace(w3c, " 512 ", " - ", 1), ErrSyntax},
		"bad status":        {W3C, strings.Replace(w3c, " 206 ", " 2o6 ", 1), ErrSyntax},
		"bad range":         {W3C, strings.Replace(w3c, " 0-99 ", " 99-0 ", 1), ErrSyntax},
		"bad address":       {W3C, strings.Replace(w3c, "123.123.123.123", "123.123.123", 1), ErrSyntax},
		"bad time":          {W3C, strings.Replace(w3c, "2026-03", "2026-13", 1), ErrSyntax},
		"year out of range": {W3C, strings.Replace(w3c, "2026-03", "9026-03", 1), ErrSyntax},
		"negative micros":   {W3C, strings.Replace(w3c, " 12345 ", " -12345 ", 1), ErrSyntax},
		"time alone":        {W3C, "2026-03-04", ErrSyntax},
		"no object":         {JSON, "[]", ErrSyntax},
		"cut":               {JSON, object[:len(object)/2], ErrSyntax},
		"rest":              {JSON, strings.TrimSpace(object) + "{}", ErrSyntax},
		"twice":             {JSON, strings.Replace(object, `"node":`, `"account":"x","node":`, 1), ErrSyntax},
		"wrong type":        {JSON, strings.Replace(object, `"status":206`, `"status":"206"`, 1), ErrSyntax},
		"float":             {JSON, strings.Replace(object, `"status":206`, `"status":2.06`, 1), ErrSyntax},
		"string flag":       {JSON, strings.Replace(object, `"hit":true`, `"hit":"true"`, 1), ErrSyntax},
		"number for text":   {JSON, strings.Replace(object, `"node":"edge-ams-01"`, `"node":1`, 1), ErrSyntax},
		"nested":            {JSON, strings.Replace(object, `"v":2`, `"v":2,"x":{}`, 1), ErrSyntax},
		"no version":        {JSON, strings.Replace(object, `"v":2,`, ``, 1), ErrSyntax},
		"later version":     {JSON, strings.Replace(object, `"v":2`, `"v":3`, 1), ErrVersion},
		"bare word":         {JSON, strings.Replace(object, `"hit":true`, `"hit":trap`, 1), ErrSyntax},
		"no comma":          {JSON, `{"v":1 "hit":true}`, ErrSyntax},
		"no colon":          {JSON, `{"v" 1}`, ErrSyntax},
		"no value":          {JSON, `{"v":}`, ErrSyntax},
		"bad string":        {JSON, `{"v":1,"node":"\q"}`, ErrSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.line == w3c || tc.line == object {
				t.Fatal("the case changes nothing")
			}
			err := Parse(tc.format, []byte(tc.line), &Record{})
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if strings.Contains(err.Error(), "123.123") {
				t.Errorf("the error quotes the log: %v", err)
			}
		})
	}
}

// Other tools may write the same object with other spacing, order and escapes.
func TestParseForeignJSON(t *testing.T) {
	line := ` { "status" : 200 , "later" : "x", "gone": null, "path":"\/a\u00e9\\%25b\"", "v":1,` +
		`"time": "2026-03-04T06:06:07.089+01:00", "account":null, "hit": false } `
	var r Record
	if err := Parse(JSON, []byte(line), &r); err != nil {
		t.Fatal(err)
	}
	want := Record{Time: arrival.UnixNano(), Status: 200, Path: []byte("/aé\\%b\"")}
	if d := cmp.Diff(want, r, sameRecord); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestReaderReadsBothFormats(t *testing.T) {
	want := []*Record{sampleHit(), sampleRefused(), hostileRecord()}
	for _, f := range allFormats {
		text := AppendHeader(nil, f, "edged", arrival)
		for _, r := range want {
			text = Append(text, f, Full, r)
		}
		for i, got := range readAll(t, bytes.NewReader(text)) {
			if d := cmp.Diff(want[i], &got, sameRecord); d != "" {
				t.Errorf("%v, record %d (-want +got):\n%s", f, i, d)
			}
		}
	}
}

// readAll reads every record and fails the test on any error.
func readAll(t *testing.T, in io.Reader) []Record {
	t.Helper()
	var all []Record
	for r := NewReader(in); ; {
		var rec Record
		err := r.Read(&rec)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("line %d: %v", r.Line(), err)
		}
		all = append(all, rec)
	}
}

func TestReaderFollowsFieldsDirective(t *testing.T) {
	text := "#Version: 1.0\r\n#Fields: x-seq x-later date time sc-status\r\n" +
		"7 what 2026-03-04 05:06:07 200\r\n\r\n" +
		"#Fields: sc-status time x-seq date\n404 05:06:07 8 2026-03-04\n"
	got := readAll(t, strings.NewReader(text))
	want := []Record{
		{Time: arrival.Truncate(time.Second).UnixNano(), Status: 200, Sequence: Sequence{Number: 7}},
		{Status: 404, Sequence: Sequence{Number: 8}}, // date and time apart are other tools' columns
	}
	if d := cmp.Diff(want, got, sameRecord); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestReaderGoesOnAfterBadLines(t *testing.T) {
	good := string(Append(nil, JSON, Full, sampleHit()))
	text := "no fields yet\n" + good + "{bad\n" + strings.Repeat("x", 2*maxLine) + "\n" + good + "{\"v\":1"
	r := NewReader(strings.NewReader(text))
	var rec Record
	for i, want := range []error{ErrSyntax, nil, ErrSyntax, ErrSyntax, nil, ErrTorn, io.EOF, io.EOF} {
		if err := r.Read(&rec); !errors.Is(err, want) {
			t.Errorf("read %d: got %v, want %v", i, err, want)
		}
	}
}

func TestReaderReportsLongLastLine(t *testing.T) {
	r := NewReader(strings.NewReader(strings.Repeat("x", maxLine+1)))
	if err := r.Read(&Record{}); !errors.Is(err, ErrSyntax) {
		t.Errorf("got %v", err)
	}
	if err := r.Read(&Record{}); err != io.EOF {
		t.Errorf("then %v", err)
	}
}

func TestReaderPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, text := range []string{"", strings.Repeat("x", maxLine+1)} {
		r := NewReader(io.MultiReader(strings.NewReader(text), failingReader{broken}))
		if err := r.Read(&Record{}); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", len(text), err)
		}
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestInternerIsBounded(t *testing.T) {
	var in interner
	for i := range 3 * maxWords {
		in.word([]byte{byte(i), byte(i >> 8)})
	}
	if len(in.words) > maxWords {
		t.Errorf("%d words kept", len(in.words))
	}
}

func TestOpenReportsErrors(t *testing.T) {
	if _, err := Open(t.TempDir() + "/none.log"); err == nil {
		t.Error("a missing file was opened")
	}
}
