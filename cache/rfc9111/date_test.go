package rfc9111

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDate(t *testing.T) {
	const epoch = 784111777 // Sun, 06 Nov 1994 08:49:37 GMT
	cases := []struct {
		name, in string
		want     int64
		ok       bool
	}{
		{"9110 §5.6.7 imf-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", epoch, true},
		{"9110 §5.6.7 rfc850", "Sunday, 06-Nov-94 08:49:37 GMT", epoch, true},
		{"9110 §5.6.7 asctime", "Sun Nov  6 08:49:37 1994", epoch, true},
		{"asctime with two digits", "Wed Nov 16 08:49:37 1994", epoch + 864000, true},
		{"asctime with zero", "Sun Nov 06 08:49:37 1994", epoch, true},
		{"wrong weekday", "Mon, 06 Nov 1994 08:49:37 GMT", epoch, true},
		{"upper case", "SUN, 06 NOV 1994 08:49:37 gmt", epoch, true},
		{"white space around", " Sun, 06 Nov 1994 08:49:37 GMT\t", epoch, true},
		{"rfc850 in this century", "Thursday, 18-Aug-50 02:01:18 GMT", 2544400878, true},
		{"leap second", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800, true},
		{"leap day", "Tue, 29 Feb 2000 00:00:00 GMT", 951782400, true},
		{"before the epoch", "Mon, 01 Jan 1601 00:00:00 GMT", -11644473600, true},
		{"beyond 32 bits", "Sun, 21 Nov 2286 04:46:39 GMT", 10000039599, true},
		{"no leap day", "Mon, 29 Feb 1900 00:00:00 GMT", 0, false},
		{"no 31st", "Mon, 31 Apr 2026 00:00:00 GMT", 0, false},
		{"day 0", "Mon, 00 Apr 2026 00:00:00 GMT", 0, false},
		{"hour 24", "Mon, 06 Apr 2026 24:00:00 GMT", 0, false},
		{"minute 60", "Mon, 06 Apr 2026 00:60:00 GMT", 0, false},
		{"second 61", "Mon, 06 Apr 2026 00:00:61 GMT", 0, false},
		{"UTC", "Thu, 18 Aug 2050 02:01:18 UTC", 0, false},
		{"another zone", "Thu, 18 Aug 2050 02:01:18 AEST", 0, false},
		{"offset", "Thu, 18 Aug 2050 02:01:18 +0000", 0, false},
		{"two-digit year", "Thu, 18 Aug 50 02:01:18 GMT", 0, false},
		{"no comma", "Thu 18 Aug 2050 02:01:18 GMT", 0, false},
		{"two spaces", "Thu, 18  Aug  2050 02:01:18 GMT", 0, false},
		{"dashes", "Thu, 18-Aug-2050 02:01:18 GMT", 0, false},
		{"full stops", "Thu, 18 Aug 2050 02.01.18 GMT", 0, false},
		{"one-digit hour", "Thu, 18 Aug 2050 2:01:18 GMT", 0, false},
		{"short weekday in rfc850", "Thu, 18-Aug-50 02:01:18 GMT", 0, false},
		{"two dates", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", 0, false},
		{"something behind", "Sun, 06 Nov 1994 08:49:37 GMT;", 0, false},
		{"zero", "0", 0, false},
		{"empty", "", 0, false},
		{"digits that are none", "Sun, 06 Nov 19-4 08:49:37 GMT", 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := ParseDate(c.in); got != c.want || ok != c.ok {
				t.Errorf("ParseDate(%q) = %d, %v, want %d, %v", c.in, got, ok, c.want, c.ok)
			}
		})
	}
}

// RFC 9110 §5.6.7: a two-digit year more than 50 years ahead lies in the past.
func TestTwoDigitYear(t *testing.T) {
	cases := []struct {
		now, in string
		year    int
	}{
		{"2026-01-15", "Sunday, 14-Jan-76 00:00:00 GMT", 2076},
		{"2026-01-15", "Sunday, 16-Jan-76 00:00:00 GMT", 1976},
		{"2026-01-15", "Sunday, 16-Jan-99 00:00:00 GMT", 1999},
		{"2090-01-15", "Sunday, 16-Jan-05 00:00:00 GMT", 2105},
		{"2090-01-15", "Sunday, 16-Jan-89 00:00:00 GMT", 2089},
		{"1994-11-06", "Sunday, 06-Nov-94 00:00:00 GMT", 1994},
	}
	for _, c := range cases {
		at, err := time.Parse(time.DateOnly, c.now)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := ParseDateAt(c.in, at.Unix())
		if year := time.Unix(got, 0).UTC().Year(); !ok || year != c.year {
			t.Errorf("in %s %q is of %d, %v, want %d", c.now, c.in, year, ok, c.year)
		}
	}
}

// Every second of ten thousand years reads back from each form as package time
// writes it.
func TestDateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unix := rapid.Int64Range(-62135596800, 253402300799).Draw(t, "unix")
		at := time.Unix(unix, 0).UTC()
		for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", time.ANSIC} {
			if got, ok := ParseDate(at.Format(layout)); !ok || got != unix {
				t.Fatalf("ParseDate(%q) = %d, %v, want %d", at.Format(layout), got, ok, unix)
			}
		}
		if got, ok := ParseDateAt(at.Format("Monday, 02-Jan-06 15:04:05 GMT"), unix); !ok || got != unix {
			t.Fatalf("rfc850 of %v = %d, %v", at, got, ok)
		}
		if got := string(AppendDate(nil, unix)); got != at.Format("Mon, 02 Jan 2006 15:04:05 GMT") {
			t.Fatalf("AppendDate = %q", got)
		}
	})
}

func FuzzParseDate(f *testing.F) {
	f.Add("Sun, 06 Nov 1994 08:49:37 GMT")
	f.Add("Sunday, 06-Nov-94 08:49:37 GMT")
	f.Add("Sun Nov  6 08:49:37 1994")
	f.Add("Thu, 18 Aug 2050 2:01:18 GMT")
	f.Fuzz(func(t *testing.T, s string) {
		unix, ok := ParseDate(s)
		if fromBytes, okBytes := parseDateBytes([]byte(s)); fromBytes != unix || okBytes != ok {
			t.Fatalf("%q: %d, %v as bytes", s, fromBytes, okBytes)
		}
		if !ok {
			return
		}
		text := string(AppendDate(nil, unix))
		if again, ok := ParseDate(text); !ok || again != unix {
			t.Fatalf("%q = %d, but %q = %d, %v", s, unix, text, again, ok)
		}
		if !strings.HasSuffix(strings.TrimSpace(strings.ToLower(s)), "gmt") && strings.ContainsRune(s, ',') {
			t.Fatalf("%q was read without a zone", s)
		}
	})
}

func TestParseDateAllocs(t *testing.T) {
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		checkAllocs(t, s, func() { ParseDate(s) })
	}
}
