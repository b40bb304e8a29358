package main

import (
	"fmt"
	"slices"
	"strings"
)

// Hosts that the peers serve. The signed ones require a token.
const (
	plainHost  = "plain.bench.test"
	signedHost = "signed.bench.test"
)

// signing is how the requests of a case prove that they are allowed.
type signing uint8

const (
	unsigned signing = iota
	signedHMAC
	signedEd25519
)

// bench is one case: which objects are asked for, and how.
type bench struct {
	name    string
	size    int     // bytes of each body
	objects int     // how many of them take turns; 0 means that every request is for a new one
	tls     bool    // TLS 1.3 with an ECDSA P-256 certificate
	signing signing // a token for each connection, as players have one a session
}

// cases is every case, in the order of the report. The objects of a case together
// are far larger than a core's cache, as those of a real node are.
func cases() []bench {
	return []bench{
		{name: "hit-2k", size: 2 << 10, objects: 2000},
		{name: "hit-64k", size: 64 << 10, objects: 512},
		{name: "hit-512k", size: 512 << 10, objects: 128},
		{name: "hit-4m", size: 4 << 20, objects: 24},
		{name: "miss-64k", size: 64 << 10},
		{name: "hmac-2k", size: 2 << 10, objects: 2000, signing: signedHMAC},
		{name: "ed25519-2k", size: 2 << 10, objects: 2000, signing: signedEd25519},
		{name: "tls-64k", size: 64 << 10, objects: 512, tls: true},
		{name: "tls-512k", size: 512 << 10, objects: 128, tls: true},
	}
}

// choose returns the cases whose names stand in list, all for "".
func choose(all []bench, list string) ([]bench, error) {
	if list == "" {
		return all, nil
	}
	var chosen []bench
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(b bench) bool { return b.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no case is called %q: there are %s", name, strings.Join(names(all), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func names(all []bench) []string {
	var s []string
	for _, b := range all {
		s = append(s, b.name)
	}
	return s
}

// miss reports whether every request is for an object nobody has asked for.
func (b *bench) miss() bool { return b.objects == 0 }

// host is the host the requests go to.
func (b *bench) host() string {
	if b.signing != unsigned {
		return signedHost
	}
	return plainHost
}

// path is the path of the n-th object. Its first segment tells the origin the
// size; its suffix makes it a media segment.
func (b *bench) path(n int) string {
	if b.miss() {
		return fmt.Sprintf("/%d/new/%d.m4s", b.size, n)
	}
	return fmt.Sprintf("/%d/old/%d.m4s", b.size, n)
}
