package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// privateKeys are made once a run: an RSA key takes a while.
type privateKeys struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

var testKeys = sync.OnceValue(func() privateKeys {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return privateKeys{r, e}
})
