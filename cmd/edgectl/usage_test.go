package main

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"edged/logfmt/usage"
)

// newLedger makes a ledger with some rows and returns its directory, and closes it
// unless it shall stay open.
func newLedger(t *testing.T, rows ...usage.Row) (dir string, l *usage.Ledger) {
	t.Helper()
	dir = t.TempDir()
	l = usage.New(usage.Options{Dir: dir, Source: func() []usage.Row {
		all := rows
		rows = nil
		return all
	}, Every: time.Hour})
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	return dir, l
}

func someRows() []usage.Row {
	h := usage.HourOf(time.Now().UnixNano())
	return []usage.Row{
		{Key: usage.Key{Hour: h, Account: "acme", Site: "a.example", Protocol: "HTTP/2", Class: 2}, Counts: usage.Counts{Requests: 5, Hits: 4, Body: 500, Wire: 700, HitBody: 400, Origin: 100}},
		{Key: usage.Key{Hour: h, Account: "acme", Site: "a.example", Protocol: "HTTP/1.1", Class: 4}, Counts: usage.Counts{Requests: 1, Body: 32, Wire: 300}},
		{Key: usage.Key{Hour: h, Protocol: "HTTP/1.1", Class: 4}, Counts: usage.Counts{Requests: 2}},
		{Key: usage.Key{Hour: h - 24*400, Account: "acme", Site: "a.example", Protocol: "HTTP/2", Class: 2}, Counts: usage.Counts{Requests: 1000}},
	}
}

func TestUsageOfADirectory(t *testing.T) {
	dir, l := newLedger(t, someRows()...)
	if code, _, stderr := edgectl("usage", "-dir", dir); code != exitFailed || !strings.Contains(stderr, "edged is running") {
		t.Errorf("of a ledger in use: %d, %s", code, stderr)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := edgectl("usage", "-dir", dir, "-account", "acme")
	fields := strings.Fields(out)
	if code != 0 || len(fields) < 12 || strings.Join(fields[len(fields)-9:], " ") != "acme a.example 6 4 532 1000 400 100 0" {
		t.Errorf("table: %d %s\n%s", code, stderr, out)
	}
	code, out, _ = edgectl("usage", "-dir", dir, "-from", "2001-01", "-by", "hour,site,protocol,status", "-format", "csv")
	lines, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if code != 0 || err != nil || len(lines) != 5 || lines[1][6] != "1000" {
		t.Errorf("csv: %d, %v\n%s", code, err, out)
	}
	code, out, _ = edgectl("usage", "-dir", dir, "-format", "json", "-by", "")
	var r usage.Report
	if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil || len(r.Lines) != 2 || r.Lines[1].Requests != 6 {
		t.Errorf("json: %d, %v\n%s", code, err, out)
	}
}

func TestUsageOfTheDirectoryAbove(t *testing.T) {
	dir, l := newLedger(t, someRows()...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if code, out, stderr := edgectl("usage", "-dir", strings.TrimSuffix(dir, "/001")); code != exitFailed || out != "" {
		t.Errorf("of a directory without a ledger: %d %s %s", code, out, stderr)
	}
}

func TestUsageRefuses(t *testing.T) {
	for _, args := range []string{"usage x", "usage -by week", "usage -format xml", "usage -from 2026-02 -to 2026-01", "usage -from yesterday"} {
		if code, _, stderr := edgectl(strings.Fields(args)...); code != exitUsage || stderr == "" {
			t.Errorf("edgectl %s: %d %s", args, code, stderr)
		}
	}
}
