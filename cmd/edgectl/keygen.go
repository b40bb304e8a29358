package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"edged/auth"
)

const keygenHelp = `
Keygen makes a signing key. The part that can mint tokens goes to a new file that
only its owner may read; standard output gets the table for the configuration.

ed25519 is the better choice for leased machines: edges hold only public_hex and
cannot mint, so keep the private file with the CMS. hmac-sha256 is a secret that
CMS and edges share.

Examples:
  edgectl keygen -kid acme-26e -out acme-26e.pem
  edgectl keygen -type hmac-sha256 -kid acme-26a -out /etc/edged/keys/acme-26a`

func keygenCommand() command {
	return command{
		name:    "keygen",
		args:    "[-type TYPE] [-kid ID] -out FILE",
		summary: "make a signing key",
		text:    keygenHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f keygenFlags
			fs.StringVar(&f.kind, "type", auth.Ed25519.String(), "`TYPE` of the key: ed25519 or hmac-sha256")
			fs.StringVar(&f.kid, "kid", "", "`ID` of the key, unique over all accounts")
			fs.StringVar(&f.out, "out", "", "new `FILE` for the private part (required)")
			return f.run
		},
	}
}

// keygenFlags are the flags of keygen.
type keygenFlags struct{ kind, kid, out string }

// secretBytes is the length of a new HMAC secret: the size of the hash.
const secretBytes = 32

func (f *keygenFlags) run(s streams, args []string) error {
	kind, ok := auth.ParseKeyType(f.kind)
	switch {
	case len(args) != 0:
		return usagef("what is %q for?", args[0])
	case f.out == "":
		return usagef("give -out FILE for the private part")
	case !ok || kind != auth.HMACSHA256 && kind != auth.Ed25519:
		return usagef("-type %s: use ed25519 or hmac-sha256", f.kind)
	}
	generate := newEd25519
	if kind == auth.HMACSHA256 {
		generate = f.newSecret
	}
	if err := f.checkID(kind); err != nil {
		return err
	}
	private, public, err := generate()
	if err != nil {
		return err
	}
	if err := writePrivate(f.out, private); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "[[site.token.key]]\nkid = %q\ntype = %q\n%s\n", f.kid, kind, public)
	fmt.Fprintf(s.err, "edgectl keygen: the private part is in %s\n", f.out)
	return nil
}

// checkID holds the kid against the rules of the verifier before a file is made.
func (f *keygenFlags) checkID(kind auth.KeyType) error {
	if f.kid == "" {
		f.kid = "CHANGE-ME"
	}
	k := auth.Key{ID: f.kid, Account: "any", Type: kind, Secret: make([]byte, secretBytes), Public: make([]byte, ed25519.PublicKeySize)}
	if err := k.Check(); err != nil {
		return usagef("%v", err)
	}
	return nil
}

// newEd25519 returns the private half in PEM and the configuration of the public.
func newEd25519() (private []byte, public string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, "", err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), fmt.Sprintf("public_hex = %q", hex.EncodeToString(pub)), nil
}

// newSecret returns a secret in hex and the configuration that points to its file.
func (f *keygenFlags) newSecret() (private []byte, public string, err error) {
	secret := make([]byte, secretBytes)
	if _, err := rand.Read(secret); err != nil {
		return nil, "", err
	}
	path, err := filepath.Abs(f.out)
	if err != nil {
		return nil, "", err
	}
	return append(hex.AppendEncode(nil, secret), '\n'), fmt.Sprintf("secret_file = %q", path), nil
}

// writePrivate makes a new file for its owner alone; it never replaces one.
func writePrivate(path string, b []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already; keys are never overwritten", path)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	return errors.Join(err, file.Close())
}
