package ship

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// signer signs requests to S3-compatible storage (AWS Signature Version 4).
type signer struct{ keyID, secret, region string }

// sign adds X-Amz-Date, X-Amz-Content-Sha256 and Authorization to a request without
// query. Every field that is set before is signed. hash is the SHA-256 of the body in
// hexadecimal.
func (s *signer) sign(r *http.Request, hash string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", hash)
	names, fields := canonicalFields(r)
	request := strings.Join([]string{r.Method, r.URL.EscapedPath(), "", fields, names, hash}, "\n")
	day := stamp[:8]
	scope := strings.Join([]string{day, s.region, "s3", "aws4_request"}, "/")
	digest := sha256.Sum256([]byte(request))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hex.EncodeToString(digest[:])}, "\n")
	key := []byte("AWS4" + s.secret)
	for _, part := range []string{day, s.region, "s3", "aws4_request"} {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		s.keyID, scope, names, hex.EncodeToString(mac(key, text))))
}

// canonicalFields returns the names of the fields, and the fields, sorted.
func canonicalFields(r *http.Request) (names, fields string) {
	list := []string{"host"}
	for name := range r.Header {
		list = append(list, strings.ToLower(name))
	}
	slices.Sort(list)
	var b strings.Builder
	for _, name := range list {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.URL.Host
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.TrimSpace(value))
	}
	return strings.Join(list, ";"), b.String()
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text)) // never fails
	return h.Sum(nil)
}

// escapePath writes a path as the signature wants it: everything but unreserved
// characters and '/' as %HH.
func escapePath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
