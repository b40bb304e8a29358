//go:build ignore

// Signs URLs for an edge: go run sign.go SCHEME BASE PATH EXPIRES NAME SECRET
package main

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// begin ect
func ect(base, path string, expires int64, kid, secretHex string) string {
	scope := path[:strings.LastIndexByte(path, '/')+1] // everything in and below the directory
	payload := fmt.Sprintf("exp=%d\np=%s\n", expires, scope)
	text := "h1." + kid + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	key, err := hex.DecodeString(secretHex)
	if err != nil {
		panic("the secret is not hexadecimal")
	}
	return base + "/ect=" + text + "." + base64.RawURLEncoding.EncodeToString(hmacSHA256(key, text)) + path
}

// end ect

// begin vdox
func vdox(base, path string, expires int64, account, secret string) string {
	at := expires - 300 // a token is good for 300 seconds after its time
	digest := md5.Sum(fmt.Appendf(nil, "%d%s%s", at, path, secret))
	return fmt.Sprintf("%s/?account=%s&file=%s&token=%x%%7C%x", base, account, path, at, digest)
}

// end vdox

// begin secure-link
func secureLink(base, path string, expires int64, _, secret string) string {
	digest := md5.Sum(fmt.Appendf(nil, "%d%s %s", expires, path, secret))
	return fmt.Sprintf("%s%s?md5=%s&expires=%d", base, path, base64.RawURLEncoding.EncodeToString(digest[:]), expires)
}

// end secure-link

// begin edgeauth
func edgeauth(base, path string, expires int64, _, secretHex string) string {
	acl := path[:strings.LastIndexByte(path, '/')+1] + "*"
	text := fmt.Sprintf("exp=%d~acl=%s", expires, acl)
	key, err := hex.DecodeString(secretHex)
	if err != nil {
		panic("the secret is not hexadecimal")
	}
	return fmt.Sprintf("%s%s?__token__=%s~hmac=%x", base, path, text, hmacSHA256(key, text))
}

// end edgeauth

// begin bunny
func bunny(base, path string, expires int64, _, secret string) string {
	mac := hmacSHA256([]byte(secret), path+strconv.FormatInt(expires, 10))
	return fmt.Sprintf("%s%s?token=HS256-%s&expires=%d", base, path, base64.RawURLEncoding.EncodeToString(mac), expires)
}

// end bunny

func main() {
	schemes := map[string]func(base, path string, expires int64, name, secret string) string{
		"ect": ect, "vdox": vdox, "secure-link": secureLink, "edgeauth": edgeauth, "bunny": bunny,
	}
	expires, err := strconv.ParseInt(os.Args[4], 10, 64)
	if err != nil {
		panic("EXPIRES is a time in Unix seconds")
	}
	fmt.Println(schemes[os.Args[1]](os.Args[2], os.Args[3], expires, os.Args[5], os.Args[6]))
}
