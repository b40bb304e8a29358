package auth_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"edged/auth"
)

func vdoxKeys(o *auth.Options) {
	o.Keys = []auth.Key{
		{ID: "k1", Name: "acct1", Account: "acme", Type: auth.Secret, Secret: []byte(plain)},
		{ID: "k2", Name: "acct1", Account: "acme", Type: auth.Secret, Secret: []byte("newer")},
		{ID: "k3", Name: "acct2", Account: "acme", Type: auth.Secret, Secret: []byte("other")},
		{ID: "k4", Name: "acct3", Account: "beta", Type: auth.Secret, Secret: []byte(plain)},
	}
}

func vdoxToken(second int64, file, secret string) string {
	return strconv.FormatInt(second, 16) + "%7C" + hexMD5(fmt.Sprint(second)+file+secret)
}

func TestVDOX(t *testing.T) {
	s := compat(t, "vdox", vdoxKeys)
	const rest = "/?account=acct1&file=movie.ism&token="
	token := vdoxToken(now, "movie.ism", plain)
	got := send(t, s, rest+token+"&type=x")
	if got.word != "allowed" || got.query != "account=acct1&file=movie.ism&type=x" || got.verdict.Key != "k1" || got.verdict.Expires != now+301 {
		t.Errorf("%+v, want it allowed and only the token gone", got)
	}
	expect(t, s, [][2]string{
		{"allowed", "/?account=acct1&file=a%20b%2Bc&token=" + vdoxToken(now, "a b+c", plain)},
		{"allowed", "/?account=acct1&file=a+b&token=" + vdoxToken(now, "a b", plain)},
		{"allowed", rest + vdoxToken(now, "movie.ism", "newer")},
		{"allowed", rest + vdoxToken(now-300, "movie.ism", plain)},
		{"expired", rest + vdoxToken(now-301, "movie.ism", plain)},
		{"too_long", rest + vdoxToken(now+86401, "movie.ism", plain)},
		{"too_long", rest + vdoxToken(now+86101, "movie.ism", plain)},
		{"allowed", rest + vdoxToken(now+86100, "movie.ism", plain)},
		{"bad_signature", rest + vdoxToken(now, "movie.ism", "other")},
		{"bad_signature", "/?account=acct2&file=movie.ism&token=" + token},
		{"wrong_account", "/?account=acct3&file=movie.ism&token=" + token},
		{"unknown_key", "/?account=acct4&file=movie.ism&token=" + token},
		{"bad_claim", "/?account=&file=movie.ism&token=" + token},
		{"bad_claim", "/?file=movie.ism&token=" + token},
		{"bad_claim", "/?account=acct1&token=" + token},
		{"bad_claim", "/?account=acct1&file=%zz&token=" + token},
		{"bad_claim", "/?account=acct1&file=&token=" + vdoxToken(now, "", plain)},
		{"duplicate", rest + token + "&account=acct1"},
		{"duplicate", rest + token + "&FILE=x"},
		{"duplicate", rest + token + "&token="},
		{"malformed", "/?account=acct1&f%69le=movie.ism&token=" + token},
		{"malformed", rest + "0" + token},
		{"malformed", rest + "6955B900" + token[8:]},
		{"malformed", rest + token + "0"},
		{"malformed", rest + token[11:]},
		{"long_time", rest + vdoxToken(17672256000, "movie.ism", plain)},
		{"missing", "/?account=acct1&file=movie.ism"},
		{"out_of_scope", "/other" + rest[1:] + token},
	})
}

func TestVDOXOptions(t *testing.T) {
	s := compat(t, "vdox", vdoxKeys, func(o *auth.Options) {
		o.VDOX = auth.VDOXOptions{Validity: time.Minute, MaxFuture: time.Minute, Path: "/play"}
	})
	const rest = "/play?account=acct1&file=f&token="
	expect(t, s, [][2]string{
		{"allowed", rest + vdoxToken(now-60, "f", plain)},
		{"expired", rest + vdoxToken(now-61, "f", plain)},
		{"allowed", rest + vdoxToken(now+60, "f", plain)},
		{"too_long", rest + vdoxToken(now+61, "f", plain)},
	})
}

func FuzzVDOX(f *testing.F) {
	fuzz(f, compat(f, "vdox", vdoxKeys), []string{"token"},
		"/?account=acct1&file=f&token="+vdoxToken(now, "f", plain), "/?token=|", "/?TOKEN=%7c&file")
}
