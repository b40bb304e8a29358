package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"edged/auth"
)

// cloudFront64 is the scheme's base64.
func cloudFront64(b []byte) string {
	return strings.NewReplacer("+", "-", "=", "_", "/", "~").Replace(base64.StdEncoding.EncodeToString(b))
}

// cloudFrontSign signs text with a test key: rsa or ec, with SHA-1 or SHA-256.
func cloudFrontSign(t testing.TB, kid, hash, text string) string {
	t.Helper()
	one, two := sha1.Sum([]byte(text)), sha256.Sum256([]byte(text))
	sum, id := one[:], crypto.SHA1
	if hash == "SHA256" {
		sum, id = two[:], crypto.SHA256
	}
	var sig []byte
	var err error
	if kid == "ec" {
		sig, err = ecdsa.SignASN1(rand.Reader, testKeys().ec, sum)
	} else {
		sig, err = rsa.SignPKCS1v15(rand.Reader, testKeys().rsa, id, sum)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "Signature=" + cloudFront64(sig) + "&Key-Pair-Id=" + kid
}

const cfURL = "https://cdn.example.com/v/a.mp4"

func cannedText(url string) string {
	return `{"Statement":[{"Resource":"` + url + `","Condition":{"DateLessThan":{"AWS:EpochTime":1767226200}}}]}`
}

func canned(t testing.TB, kid, hash, url string) string {
	q := "Expires=1767226200&" + cloudFrontSign(t, kid, hash, cannedText(url))
	if hash != "" {
		q += "&Hash-Algorithm=" + hash
	}
	return q
}

func custom(t testing.TB, policy string) string {
	return "Policy=" + cloudFront64([]byte(policy)) + "&" + cloudFrontSign(t, "ec", "", policy)
}

func https(path, query string) ask {
	return ask{path: path, query: query, request: auth.Request{TLS: true, Client: netip.MustParseAddr("198.51.100.7")}}
}

func TestCloudFrontCanned(t *testing.T) {
	good := canned(t, "rsa", "", cfURL)
	withQuery := canned(t, "ec", "", cfURL+"?size=l&x=1")
	cookies := "CloudFront-" + strings.ReplaceAll(good, "&", "; CloudFront-")
	at := func(a ask, second int64) ask { a.request.Now = second; return a }
	plain := https("/v/a.mp4", good)
	plain.request.TLS = false
	runVerdicts(t, newScheme(t, "cloudfront"), []verdictCase{
		{"rsa", https("/v/a.mp4", good), auth.Allowed},
		{"ecdsa", https("/v/a.mp4", canned(t, "ec", "", cfURL)), auth.Allowed},
		{"rsa sha256", https("/v/a.mp4", canned(t, "rsa", "SHA256", cfURL)), auth.Allowed},
		{"ecdsa sha256", https("/v/a.mp4", canned(t, "ec", "SHA256", cfURL)), auth.Allowed},
		{"sha1 by name", https("/v/a.mp4", good+"&Hash-Algorithm=SHA1"), auth.Allowed},
		{"sha256 not named", https("/v/a.mp4", strings.TrimSuffix(canned(t, "rsa", "SHA256", cfURL), "&Hash-Algorithm=SHA256")), auth.BadSignature},
		{"other hash", https("/v/a.mp4", good+"&Hash-Algorithm=MD5"), auth.Malformed},
		{"cookies", func() ask { a := https("/v/a.mp4", ""); a.cookies = cookies; return a }(), auth.Allowed},
		{"cookies beside a parameter", func() ask { a := https("/v/a.mp4", "Key-Pair-Id=rsa"); a.cookies = cookies; return a }(), auth.Malformed},
		{"cookie twice", func() ask { a := https("/v/a.mp4", ""); a.cookies = cookies + ";" + cookies; return a }(), auth.Duplicate},
		{"own query", https("/v/a.mp4", "size=l&"+withQuery+"&x=1"), auth.Allowed},
		{"own query in another order", https("/v/a.mp4", "x=1&size=l&"+withQuery), auth.BadSignature},
		{"query added", https("/v/a.mp4", good+"&x=1"), auth.BadSignature},
		{"plain http", plain, auth.BadSignature},
		{"other host", func() ask { a := https("/v/a.mp4", good); a.request.Host = []byte("b.example"); return a }(), auth.BadSignature},
		{"last second", at(https("/v/a.mp4", good), 1767226199), auth.Allowed},
		{"expired", at(https("/v/a.mp4", good), 1767226200), auth.Expired},
		{"too long", at(https("/v/a.mp4", good), 1767226200-86401), auth.TooLong},
		{"milliseconds", https("/v/a.mp4", strings.Replace(good, "200&", "200000&", 1)), auth.LongTime},
		{"expires is no number", https("/v/a.mp4", strings.Replace(good, "=17", "=-17", 1)), auth.BadClaim},
		{"quote in the path", https(`/v/a"b.mp4`, good), auth.Malformed},
		{"unknown key", https("/v/a.mp4", strings.Replace(good, "=rsa", "=dsa", 1)), auth.UnknownKey},
		{"hmac key", https("/v/a.mp4", strings.Replace(good, "=rsa", "=hm", 1)), auth.UnknownKey},
		{"twice", https("/v/a.mp4", good+"&Expires=1767226200"), auth.Duplicate},
		{"name in another case", https("/v/a.mp4", strings.Replace(good, "Key-Pair", "key-pair", 1)), auth.Malformed},
		{"padding left out", https("/v/a.mp4", strings.Replace(good, "_&Key", "&Key", 1)), auth.Malformed},
		{"plain base64", https("/v/a.mp4", strings.Replace(good, "_&Key", "=&Key", 1)), auth.Malformed},
		{"no signature", https("/v/a.mp4", "Expires=1767226200&Key-Pair-Id=rsa"), auth.Malformed},
		{"empty signature", https("/v/a.mp4", "Expires=1767226200&Signature=&Key-Pair-Id=rsa"), auth.Malformed},
		{"none", https("/v/a.mp4", "a=1"), auth.Missing},
	})
}

func TestCloudFrontResource(t *testing.T) {
	scheme := newScheme(t, "cloudfront")
	for _, c := range []struct {
		resource, path, query string
		want                  auth.Reason
	}{
		{`https://cdn.example.com/v/*`, "/v/a/b.ts", "", auth.Allowed},
		{`https://cdn.example.com/v/*`, "/v/a.ts", "x=1", auth.Allowed},
		{`https://cdn.example.com/v/*.ts`, "/v/a.ts", "x=1", auth.OutOfScope},
		{`https://cdn.example.com/v/*.ts`, "/v/a.ts", "", auth.Allowed},
		{`https://cdn.example.com/v/?.ts`, "/v/a.ts", "", auth.Allowed},
		{`https://cdn.example.com/v/??????.ts`, "/v/%61%62.ts", "", auth.OutOfScope},
		{`https://cdn.example.com/v/%61*`, "/v/a.ts", "", auth.Allowed},
		{`https://cdn.example.com/v\?x=*`, "/v", "x=1", auth.Allowed},
		{`https://cdn.example.com/v\?x=?`, "/v", "x=12", auth.OutOfScope},
		{`https://cdn.example.com/v\?x=1`, "/v", "", auth.OutOfScope},
		{`https://cdn.example.com/v?x=1`, "/v", "x=1", auth.OutOfScope},
		{`https://cdn.example.com/hel*world`, "/hello", "world", auth.OutOfScope},
		{`http*://cdn.example.com/*`, "/a", "", auth.Allowed},
		{`*://cdn.example.com/*`, "/a", "", auth.Allowed},
		{`http://cdn.example.com/*`, "/a", "", auth.OutOfScope},
		{`https://*.example.com/*`, "/a", "", auth.Allowed},
		{`https://*.example.org/*`, "/a", "", auth.OutOfScope},
		{`https://CDN.example.com/*`, "/a", "", auth.Allowed},
		{`https://cdn.*`, "/a/b", "x=1", auth.Allowed},
		{`https://*.com/v/`, "/a", "", auth.OutOfScope},
		{`https://cdn.example.com`, "/", "", auth.Allowed},
		{`https://cdn.example.com`, "/a", "", auth.OutOfScope},
		{`*`, "/a", "", auth.OutOfScope},
		{`/v/*`, "/v/a", "", auth.OutOfScope},
	} {
		policy := `{"Statement":[{"Resource":` + quote(t, c.resource) + `,"Condition":{"DateLessThan":{"AWS:EpochTime":1767226200}}}]}`
		query := strings.TrimPrefix(c.query+"&"+custom(t, policy), "&")
		if got := https(c.path, query).answer(t, scheme); got.Reason != c.want {
			t.Errorf("%s for %s ? %s: %v, want %v", c.resource, c.path, c.query, got.Reason, c.want)
		}
	}
}

func quote(t testing.TB, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCloudFrontPolicy(t *testing.T) {
	const (
		all  = `"Resource":"https://cdn.example.com/*",`
		time = `"DateLessThan":{"AWS:EpochTime":1767226200}`
	)
	one := func(condition string) string { return `{"Statement":[{` + all + `"Condition":{` + condition + `}}]}` }
	scheme := newScheme(t, "cloudfront")
	for _, c := range []struct {
		policy string
		want   auth.Reason
	}{
		{one(time), auth.Allowed},
		{`{"Statement":{` + all + `"Condition":{` + time + `}}}`, auth.Allowed},
		{" {\n\"Statement\" : [{" + all + "\"Condition\":{" + time + "}}]}\n", auth.Allowed},
		{one(time + `,"DateGreaterThan":{"AWS:EpochTime":1767225599}`), auth.Allowed},
		{one(time + `,"DateGreaterThan":{"AWS:EpochTime":1767225600}`), auth.NotYet},
		{one(time + `,"IpAddress":{"AWS:SourceIp":"198.51.100.0/24"}`), auth.Allowed},
		{one(time + `,"IpAddress":{"AWS:SourceIp":"198.51.100.7"}`), auth.Allowed},
		{one(time + `,"IpAddress":{"AWS:SourceIp":"0.0.0.0/0"}`), auth.Allowed},
		{one(time + `,"IpAddress":{"AWS:SourceIp":"203.0.113.0/24"}`), auth.Address},
		{one(time + `,"IpAddress":{"AWS:SourceIp":"::/0"}`), auth.BadClaim},
		{one(time + `,"IpAddress":{"AWS:SourceIp":["198.51.100.7"]}`), auth.BadClaim},
		{one(time + `,"IpAddress":{"AWS:SourceIp":"198.51.100.7","x":1}`), auth.BadClaim},
		{one(time + `,"IpAddress":null`), auth.BadClaim},
		{one(time + `,"Bool":{}`), auth.UnknownClaim},
		{one(`"DateGreaterThan":{"AWS:EpochTime":1}`), auth.BadClaim},
		{one(`"DateLessThan":{"AWS:EpochTime":"1767226200"}`), auth.BadClaim},
		{one(`"DateLessThan":{"AWS:EpochTime":1767226200.5}`), auth.BadClaim},
		{one(`"DateLessThan":{"AWS:EpochTime":1767226200000}`), auth.LongTime},
		{one(`"DateLessThan":{"aws:epochtime":1767226200}`), auth.BadClaim},
		{`{"Statement":[{` + all + `"Effect":"Deny","Condition":{` + time + `}}]}`, auth.UnknownClaim},
		{`{"Version":"1","Statement":[{` + all + `"Condition":{` + time + `}}]}`, auth.UnknownClaim},
		{`{"Statement":[{"Condition":{` + time + `}}]}`, auth.BadClaim},
		{`{"Statement":[{"Resource":"","Condition":{` + time + `}}]}`, auth.BadClaim},
		{`{"Statement":[{"Resource":["https://cdn.example.com/*"],"Condition":{` + time + `}}]}`, auth.BadClaim},
		{`{"Statement":[{` + all + `"Condition":{` + time + `}},{}]}`, auth.BadClaim},
		{`{"Statement":[]}`, auth.BadClaim},
		{`{"Statement":[{` + all + `"Condition":[]}]}`, auth.BadClaim},
		{one(time) + `x`, auth.BadClaim},
		{one(time + "," + time), auth.BadClaim},
		{`{}`, auth.BadClaim},
		{`[]`, auth.BadClaim},
		{"{\"Statement\":\"\xff\"}", auth.BadClaim},
		{strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20), auth.BadClaim},
	} {
		if got := https("/a", custom(t, c.policy)).answer(t, scheme); got.Reason != c.want {
			t.Errorf("%s: %v, want %v", c.policy, got.Reason, c.want)
		}
	}
}

// FuzzCloudFront reads policies whose signature is right: whatever is allowed names a
// resource and a time, once each.
func FuzzCloudFront(f *testing.F) {
	for _, seed := range []string{
		cannedText(cfURL), cannedText("https://*"), `{"Statement":[{"Condition":{}}]}`, `{"Statement":{"Resource":"*"}}`, `{"a":[[[[`,
	} {
		f.Add(seed, "/v/a.mp4", "")
	}
	scheme := newScheme(f, "cloudfront")
	f.Fuzz(func(t *testing.T, policy, path, query string) {
		var scratch auth.Scratch
		if len(policy) == 0 {
			return
		}
		found, why := scheme.Find(&auth.Input{Path: []byte("/"), Query: []byte(custom(t, policy))}, &scratch)
		if why != auth.Allowed {
			t.Fatalf("policy %q: %v", policy, why)
		}
		found.Path, found.Query = []byte(path), []byte(query)
		v := scheme.Verify(&found, &auth.Request{TLS: true, Host: []byte("cdn.example.com"), Path: []byte(path), Now: now})
		if v.Reason != auth.Allowed {
			return
		}
		var p struct{ Statement any }
		if json.Unmarshal([]byte(policy), &p) != nil || p.Statement == nil || v.Expires <= now || v.Expires > now+86400 {
			t.Fatalf("%q allows %q: %+v", policy, path, v)
		}
	})
}
