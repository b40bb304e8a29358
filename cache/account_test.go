package cache

import (
	"fmt"
	"testing"

	"edged/cache/object"
	"edged/cache/ram"
)

// accountBytes returns what an account has in memory, -1 when it is not listed.
func (s *store) accountBytes(name string) int64 {
	for _, a := range s.Stats().Accounts {
		if a.Account == name {
			return a.Resident
		}
	}
	return -1
}

// fillFor stores one block of an account.
func (s *store) fillFor(account, key string) {
	s.Helper()
	f := s.lead(key)
	data := pattern(object.BlockSize)
	f.Start(&object.Meta{Account: account, Status: 200, Size: int64(len(data))}, 0)
	if err := write(f, data); err != nil {
		s.Fatal(err)
	}
	if err := f.Commit(nil, false); err != nil {
		s.Fatal(err)
	}
	f.Leave()
}

func TestFloorsOfAccounts(t *testing.T) {
	s := newStore(t, Options{})
	s.SetFloors([]Floor{{"acme", 8 << 20}, {"other", 0}})
	for i := range 8 {
		s.fillFor("acme", fmt.Sprint("acme", i))
	}
	for i := range 100 {
		s.fillFor("other", fmt.Sprint("other", i))
	}
	if got := s.accountBytes("acme"); got != 8<<20 {
		t.Errorf("acme has %d bytes of its floor of 8 MiB", got)
	}
	s.SetFloors([]Floor{{"new", 1 << 20}, {"other", 0}})
	for i := range 100 {
		s.fillFor("other", fmt.Sprint("more", i))
	}
	if got := s.accountBytes("acme"); got != -1 {
		t.Errorf("acme is still listed, with %d bytes", got)
	}
	if got := s.accountBytes("other"); got < 24<<20 {
		t.Errorf("other has %d bytes after the floor of acme went", got)
	}
	if got := s.accountBytes("new"); got != 0 {
		t.Errorf("new has %d bytes, want 0", got)
	}
}

// TestMoreAccountsThanNumbers: those that find no number left share what has none.
func TestMoreAccountsThanNumbers(t *testing.T) {
	s := newStore(t, Options{})
	floors := make([]Floor, ram.MaxAccounts+10)
	for i := range floors {
		floors[i] = Floor{fmt.Sprint("account", i), 1}
	}
	s.SetFloors(floors)
	if n := len(s.Stats().Accounts); n != ram.MaxAccounts-1 {
		t.Errorf("%d accounts are told apart, want %d", n, ram.MaxAccounts-1)
	}
	if n := s.accounts.of(floors[len(floors)-1].Account); n != 0 {
		t.Errorf("an account too many has number %d", n)
	}
}
