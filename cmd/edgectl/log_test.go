package main

import (
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edged/logfmt"
	"edged/logfmt/usage"
)

// logRecords are what newLogs writes: requests of two accounts, a minute apart.
func logRecords() []logfmt.Record {
	begin := time.Date(2026, 1, 25, 11, 58, 0, 0, time.UTC)
	var all []logfmt.Record
	for i := range 6 {
		r := logfmt.Record{
			Time: begin.Add(time.Duration(i) * time.Minute).UnixNano(), Account: "acme", Site: "a.example",
			Client: netip.MustParseAddr("123.123.123.123"), Method: []byte("GET"), Host: []byte("a.example"),
			Path: []byte("/film/1.m4s"), Status: 200, BytesSent: 1000, WireBytes: 1300,
			Request: logfmt.Request{Protocol: "HTTP/1.1", Trace: []byte{'t', byte('0' + i)}},
		}
		if i%3 == 2 {
			r.Account, r.Site, r.Status, r.Path = "bolt", "b.example", 404, []byte("/other")
		}
		all = append(all, r)
	}
	return all
}

// newLogs writes a directory with two closed files of full addresses.
func newLogs(t *testing.T, f logfmt.Format, c logfmt.Compression) string {
	t.Helper()
	dir := t.TempDir()
	w, err := logfmt.NewWriter(logfmt.Options{Dir: dir, Node: "n1", Format: f, Address: logfmt.Full, Compress: c})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range logRecords() {
		w.Write(&r)
		if i == 2 {
			if err := w.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func logFilesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := logfmt.FilesOf([]string{dir})
	if err != nil || len(files) != 2 {
		t.Fatalf("files %q, %v", files, err)
	}
	return files
}

// each runs a test on logs of all formats, compressed or not.
func each(t *testing.T, test func(t *testing.T, dir string)) {
	t.Helper()
	for _, f := range []logfmt.Format{logfmt.W3C, logfmt.JSON, logfmt.Binary} {
		for _, c := range []logfmt.Compression{logfmt.CompressNone, logfmt.CompressZstd, logfmt.CompressGzip} {
			t.Run(f.String()+" "+c.String(), func(t *testing.T) { test(t, newLogs(t, f, c)) })
		}
	}
}

func TestLogCatAndGrep(t *testing.T) {
	each(t, func(t *testing.T, dir string) {
		for _, c := range []struct {
			args  string
			code  int
			lines int
		}{
			{"log cat", 0, 6},
			{"log cat -as json", 0, 6},
			{"log cat -as w3c", 0, 6},
			{"log cat -as binary", 0, 6},
			{"log grep -as binary -account acme", 0, 4},
			{"log grep -account acme", 0, 4},
			{"log grep -site b.example -as json", 0, 2},
			{"log grep -status 4xx", 0, 2},
			{"log grep -status 200 -path /film/", 0, 4},
			{"log grep -client 123.123.123.0/24", 0, 6},
			{"log grep -client 123.123.123.123", 0, 6},
			{"log grep -client 123.123.123.000", 1, 0},
			{"log grep -trace t3", 0, 1},
			{"log grep -from 2026-01-25T12:00:00Z", 0, 4},
			{"log grep -to 2026-01-25T12:00:00Z", 0, 2},
			{"log grep -account nobody", 1, 0},
		} {
			code, out, stderr := edgectl(append(strings.Fields(c.args), dir)...)
			n := 0
			in := logfmt.NewReader(strings.NewReader(out))
			var r logfmt.Record
			for in.Read(&r) == nil {
				n++
			}
			if code != c.code || n != c.lines || strings.Count(out, "#Fields") > 2 {
				t.Errorf("%s: %d, %d records, want %d, %d: %s\n%s", c.args, code, n, c.code, c.lines, stderr, out)
			}
		}
		if code, out, _ := edgectl("log", "grep", "-account", "acme", "-count", dir); code != 0 || out != "4\n" {
			t.Errorf("-count: %d %q", code, out)
		}
	})
}

func TestLogVerify(t *testing.T) {
	each(t, func(t *testing.T, dir string) {
		if code, out, stderr := edgectl("log", "verify", dir); code != 0 || !strings.Contains(out, "2 files, 6 records") || !strings.Contains(out, "complete") {
			t.Errorf("a whole set: %d\n%s%s", code, out, stderr)
		}
		first := logFilesOf(t, dir)[0]
		if err := os.Remove(first); err != nil {
			t.Fatal(err)
		}
		if code, out, _ := edgectl("log", "verify", dir); code != 1 || !strings.Contains(out, first+": is missing: 3 records") {
			t.Errorf("a file is gone: %d\n%s", code, out)
		}
	})
}

func TestLogAnonymize(t *testing.T) {
	each(t, func(t *testing.T, dir string) {
		name := logFilesOf(t, dir)[0]
		before := textOf(t, contentOf(t, name))
		code, out, stderr := edgectl("log", "anonymize", name)
		wantText := strings.ReplaceAll(before, "123.123.123.123", "123.123.123.000")
		if got := textOf(t, out); got != wantText || code != 0 {
			t.Errorf("to standard output: %d %s\n%s, want\n%s", code, stderr, got, wantText)
		}
		for range 2 {
			if code, out, stderr = edgectl("log", "anonymize", "-in-place", dir); code != 0 {
				t.Errorf("in place: %d %s%s", code, out, stderr)
			}
			if got := textOf(t, contentOf(t, name)); got != wantText {
				t.Errorf("in place:\n%s, want\n%s", got, wantText)
			}
		}
		if code, out, _ = edgectl("log", "verify", dir); code != 0 {
			t.Errorf("verify afterwards: %d\n%s", code, out)
		}
	})
}

// textOf returns a file without its trailer; the records of a binary one as lines.
func textOf(t *testing.T, file string) string {
	t.Helper()
	if !strings.HasPrefix(file, "\xedLog") {
		lines := strings.SplitAfter(strings.TrimSuffix(file, "\n"), "\n")
		return strings.Join(lines[:len(lines)-1], "")
	}
	var text []byte
	for l, err := range logfmt.Lines(strings.NewReader(file)) {
		if err != nil || l.Text != nil {
			t.Fatalf("%v, %q", err, l.Text)
		}
		text = logfmt.Append(text, logfmt.W3C, logfmt.Full, l.Record)
	}
	return string(text)
}

func contentOf(t *testing.T, name string) string {
	t.Helper()
	in, err := logfmt.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLogErase(t *testing.T) {
	each(t, func(t *testing.T, dir string) {
		if code, out, _ := edgectl("log", "erase", "-account", "bolt", dir); code != exitUsage || out != "2 records would be removed\n" {
			t.Errorf("without -yes: %d %s", code, out)
		}
		if code, out, stderr := edgectl("log", "erase", "-account", "bolt", "-yes", dir); code != 0 || !strings.Contains(out, "2 records removed in 2 files") {
			t.Errorf("erase: %d %s%s", code, out, stderr)
		}
		for _, name := range logFilesOf(t, dir) {
			if strings.Contains(contentOf(t, name), "bolt") {
				t.Errorf("%s still has the account", name)
			}
		}
		if code, out, _ := edgectl("log", "verify", dir); code != 0 || !strings.Contains(out, "4 records, 0 lost and counted, 2 erased") {
			t.Errorf("verify afterwards: %d\n%s", code, out)
		}
		if code, _, _ := edgectl("log", "erase", "-address", "123.123.123.0/24", "-yes", dir); code != 0 {
			t.Errorf("an address: %d", code)
		}
		if code, out, _ := edgectl("log", "verify", dir); code != 0 || !strings.Contains(out, "0 records, 0 lost and counted, 6 erased") {
			t.Errorf("verify in the end: %d\n%s", code, out)
		}
	})
}

func TestLogUsage(t *testing.T) {
	each(t, func(t *testing.T, dir string) {
		if code, out, _ := edgectl("log", "usage", "-by", "hour,site", "-format", "csv", dir); code != 0 ||
			!strings.Contains(out, "2026-01-25T12:00:00Z,2026-01-25T13:00:00Z,acme,a.example,,,3,0,3000,3900,0,0,0\n") && !strings.Contains(out, ",acme,a.example,,,2,0,2000,2600") {
			t.Errorf("usage: %d\n%s", code, out)
		}
		var rows []usage.Row
		for _, r := range logRecords() {
			rows = append(rows, usage.RowOf(&r))
		}
		same, l := newLedger(t, rows...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if code, out, stderr := edgectl("log", "usage", "-ledger", same, dir); code != 0 || out != "ledger and log agree: 6 requests\n" {
			t.Errorf("the same: %d\n%s%s", code, out, stderr)
		}
		rows = rows[1:]
		rows[0].Body++
		other, l := newLedger(t, rows...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if code, out, _ := edgectl("log", "usage", "-ledger", other, dir); code != 1 || !strings.Contains(out, "5 requests are in both, 0 in the ledger only, 1 in the log only") {
			t.Errorf("another one: %d\n%s", code, out)
		}
	})
}

func TestLogCommandsRefuse(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.log")
	for args, want := range map[string]int{
		"log": exitUsage, "log what": exitUsage, "log cat": exitUsage, "log cat -as xml x": exitUsage, "log grep -status x y": exitUsage,
		"log grep -client x y": exitUsage, "log grep -status 9xx y": exitUsage, "log verify": exitUsage, "log anonymize": exitUsage, "log anonymize a b": exitUsage,
		"log erase x": exitUsage, "log erase -account a -address b x": exitUsage, "log erase -address b x": exitUsage,
		"log usage": exitUsage, "help log cat": exitOK, "help log": exitUsage,
		"log cat " + none: exitFailed, "log verify " + none: exitFailed, "log anonymize " + none: exitFailed, "log erase -account a -yes " + none: exitFailed,
	} {
		if code, _, stderr := edgectl(strings.Fields(args)...); code != want || code != exitOK && stderr == "" {
			t.Errorf("edgectl %s: %d, want %d: %s", args, code, want, stderr)
		}
	}
}
