package geo

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Atlas knows the country and the autonomous system of addresses. A nil Atlas
// knows nothing.
type Atlas struct {
	country, asn *maxminddb.Reader // nil when not configured
}

// Open reads the files; either path may be empty. One file may serve for both.
func Open(country, asn string) (*Atlas, error) {
	a := &Atlas{}
	for _, f := range []struct {
		path string
		into **maxminddb.Reader
	}{{country, &a.country}, {asn, &a.asn}} {
		if f.path == "" {
			continue
		}
		db, err := read(f.path)
		if err != nil {
			return nil, err
		}
		*f.into = db
	}
	return a, nil
}

// read loads and checks one file.
func read(path string) (*maxminddb.Reader, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("geo: %w", err)
	}
	db, err := maxminddb.OpenBytes(content)
	if err == nil {
		err = db.Verify()
	}
	if err != nil {
		return nil, fmt.Errorf("geo: %s is not a MaxMind DB file: %w", path, err)
	}
	return db, nil
}

// Country returns the ISO 3166-1 alpha-2 code of the country of addr, "" when it
// is not known.
func (a *Atlas) Country(addr netip.Addr) string {
	var code string
	if a == nil || !a.find(a.country, addr, &code, "country", "iso_code") {
		return ""
	}
	return code
}

// ASN returns the number of the autonomous system of addr, 0 when it is not known.
func (a *Atlas) ASN(addr netip.Addr) uint32 {
	var number uint32
	if a == nil || !a.find(a.asn, addr, &number, "autonomous_system_number") {
		return 0
	}
	return number
}

// find decodes what db has for addr at path. A record of another shape is one
// that says nothing.
func (a *Atlas) find(db *maxminddb.Reader, addr netip.Addr, into any, path ...any) bool {
	if db == nil || !addr.IsValid() {
		return false
	}
	r := db.Lookup(addr.Unmap())
	return r.Err() == nil && r.Found() && r.DecodePath(into, path...) == nil
}
