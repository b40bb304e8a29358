package auth_test

import (
	"testing"

	"edged/auth"
)

// hot returns one request's way through auth, with the token already seen once.
func hot(t testing.TB, token string, carrier auth.Carrier) func() auth.Reason {
	t.Helper()
	signatures, err := auth.NewSignatures(1024)
	if err != nil {
		t.Fatal(err)
	}
	scheme := site(t, func(o *auth.Options) { o.Signatures = signatures })
	in := auth.Input{Path: []byte("/acme/vod/seg1.m4s"), Query: []byte("_HLS_msn=4&_HLS_part=1")}
	switch carrier {
	case auth.Path:
		in.Path = append([]byte("/ect="+token), in.Path...)
	case auth.Query:
		in.Query = []byte("_HLS_msn=4&ect=" + token + "&_HLS_part=1")
	case auth.Cookie:
		in.Cookies = []byte("a=b; ect=" + token)
	}
	r := request()
	var scratch auth.Scratch
	walk := func() auth.Reason {
		f, why := scheme.Find(&in, &scratch)
		if why != auth.Allowed {
			return why
		}
		r.Query = f.Query
		return scheme.Verify(&f, &r).Reason
	}
	if why := walk(); why != auth.Allowed {
		t.Fatalf("token %q in %v: %v", token, carrier, why)
	}
	return walk
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const claims = goodPayload + "sid=0123456789abcdef\niat=1767225000\nnbf=1767225000\nm=GET,HEAD\n"
	for name, token := range map[string]string{"hmac": sign("h1", "hm", claims), "ed25519": sign("d1", "ed", claims)} {
		for _, c := range []auth.Carrier{auth.Path, auth.Query, auth.Cookie} {
			walk := hot(t, token, c)
			if n := testing.AllocsPerRun(2000, func() { walk() }); n != 0 {
				t.Errorf("%s in %v: %v allocations a request, want 0", name, c, n)
			}
		}
	}
}

// Networks are parsed through a string; anything more would be a regression.
func TestAllocationsOfNetworks(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	walk := hot(t, sign("h1", "hm", goodPayload+"ip=198.51.100.0/24\nip=2001:db8::/56\n"), auth.Path)
	if n := testing.AllocsPerRun(2000, func() { walk() }); n > 2 {
		t.Errorf("%v allocations for two networks, want at most 2", n)
	}
}

func BenchmarkVerify(b *testing.B) {
	const claims = goodPayload + "sid=0123456789abcdef\n"
	for _, bench := range []struct{ name, token string }{
		{"hmac", sign("h1", "hm", claims)},
		{"ed25519-cached", sign("d1", "ed", claims)},
	} {
		walk := hot(b, bench.token, auth.Path)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				walk()
			}
		})
	}
	b.Run("ed25519-uncached", func(b *testing.B) {
		scheme, r := site(b), request()
		f := auth.Found{N: 1, Tokens: [4][]byte{[]byte(sign("d1", "ed", claims))}}
		b.ReportAllocs()
		for b.Loop() {
			if v := scheme.Verify(&f, &r); v.Reason != auth.Allowed {
				b.Fatal(v.Reason)
			}
		}
	})
}

func BenchmarkVerifyParallel(b *testing.B) {
	signatures, err := auth.NewSignatures(1024)
	if err != nil {
		b.Fatal(err)
	}
	for name, token := range map[string]string{"hmac": sign("h1", "hm", goodPayload), "ed25519-cached": sign("d1", "ed", goodPayload)} {
		scheme := site(b, func(o *auth.Options) { o.Signatures = signatures })
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var scratch auth.Scratch
				in, r := auth.Input{Path: []byte("/ect=" + token + "/acme/vod/seg1.m4s")}, request()
				for pb.Next() {
					f, _ := scheme.Find(&in, &scratch)
					if v := scheme.Verify(&f, &r); v.Reason != auth.Allowed {
						b.Error(v.Reason)
					}
				}
			})
		})
	}
}
