package logfmt

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// marks are addresses that must not be found again, each with every text that
// would give it away.
var marks = []struct {
	addr  string
	texts []string
}{
	{"203.0.113.241", []string{"203.0.113.241", "cb0071f1", "241"}},
	{"::ffff:203.0.113.242", []string{"203.0.113.242", "cb0071f2", "242"}},
	{"2001:db8:77:dead:beef:cafe:1234:5678", []string{"dead", "beef", "cafe"}},
	{"2002:cb00:71f3::1", []string{"71f3", "203.0.113.243"}},
	{"fe80::feed:f00d%zone66", []string{"feed", "f00d", "zone66"}},
}

func TestNoAddressReachesAFile(t *testing.T) {
	for _, f := range allFormats {
		for _, m := range []AddressMode{Strike, Pseudonym, None, Full} {
			files, log := writeMarked(t, f, m)
			for _, mark := range marks {
				raw := netip.MustParseAddr(mark.addr).Unmap().AsSlice()
				if found := bytes.Contains(files, raw); found != (m == Full && f == Binary) {
					t.Errorf("%v %v: the bytes of %s are in the log: %v", f, m, mark.addr, found)
				}
				for _, text := range mark.texts {
					// A pseudonym is hex and may hold four given digits by chance.
					if m == Pseudonym && len(text) <= 4 {
						continue
					}
					if bytes.Contains(files, []byte(text)) && m != Full {
						t.Errorf("%v %v: %q of %s is in the log", f, m, text, mark.addr)
					}
					if bytes.Contains([]byte(log), []byte(text)) {
						t.Errorf("%v %v: %q of %s was told to the operator", f, m, text, mark.addr)
					}
				}
			}
			if m == Full && f != Binary && !bytes.Contains(files, []byte("203.0.113.241")) {
				t.Errorf("%v: the test would not find an address", f)
			}
		}
	}
}

// writeMarked logs marked requests and returns all bytes of the directory, file
// names included, and what was told to the operator.
func writeMarked(t *testing.T, f Format, m AddressMode) (files []byte, operator string) {
	t.Helper()
	log, told := logTo()
	o := Options{Dir: t.TempDir(), Node: "n", Format: f, Address: m, Log: log}
	o.Now = func() time.Time { return arrival } // no digits of a real time may look like a mark
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range marks {
		r := &Record{Client: netip.MustParseAddr(mark.addr), Method: []byte("GET"), Path: []byte("/"), Status: 200}
		page := []byte("http://" + netip.AddrPortFrom(r.Client.WithZone(""), 80).String() + "/secret?q=1")
		r.Request.Referrer = ReferrerHost(page)
		w.Write(r)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range fileNames(t, o.Dir) {
		text, err := os.ReadFile(filepath.Join(o.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, sums.ReplaceAll(text, []byte("SUM"))...)
	}
	return files, told.String()
}

// sums are the SHA-256 of trailers and manifests. Their digits are anybody's: records
// may be written in any order, and then a sum holds some mark of three digits.
var sums = regexp.MustCompile(`[0-9a-f]{64}`)

func TestPseudonymsTellViewersApart(t *testing.T) {
	o := testOptions(t.TempDir())
	o.Address = Pseudonym
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{"192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1"} {
		w.Write(&Record{Time: arrival.UnixNano(), Client: netip.MustParseAddr(addr), Path: []byte(addr)})
	}
	w.Write(&Record{Time: arrival.AddDate(0, 0, 1).UnixNano(), Client: netip.MustParseAddr("192.0.2.1"), Path: []byte("tomorrow")})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	hashes := map[string]uint64{}
	for _, r := range readDir(t, o.Dir) {
		hashes[string(r.Path)] = r.Pseudonym
	}
	if hashes["192.0.2.1"] != hashes["::ffff:192.0.2.1"] {
		t.Error("one viewer has two pseudonyms on one day")
	}
	if hashes["192.0.2.1"] == hashes["192.0.2.2"] || hashes["192.0.2.1"] == hashes["tomorrow"] {
		t.Error("viewers or days cannot be told apart")
	}
}
