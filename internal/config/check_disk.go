package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// diskKeySize is the length of the key of an encrypted disk, in bytes.
const diskKeySize = 32

// checkEncryption reads the key of a disk that has one.
func (l *loader) checkEncryption(f *source, key string, d *Disk) {
	if d.Encrypt == "" {
		d.Encrypt = "off"
	}
	l.oneOf(f, key+".encrypt", d.Encrypt, "off", "key", "boot")
	switch {
	case d.Encrypt == "key" && d.KeyFile == "":
		l.fail(f, key+".key_file", `encrypt = "key" needs a key_file: make one with openssl rand -hex %d`, diskKeySize)
	case d.Encrypt != "key" && d.KeyFile != "":
		l.fail(f, key+".key_file", `is of use with encrypt = "key" only: remove it`)
	case d.KeyFile != "":
		if err := d.readKey(f); err != nil {
			l.fail(f, key+".key_file", "%v", err)
		}
	}
}

// readKey reads the key file. As with other secrets, what stands in the place of its
// path is not in the errors.
func (d *Disk) readKey(f *source) error {
	path, text, err := f.readPrivate(d.KeyFile)
	if err != nil {
		return err
	}
	key, err := hex.DecodeString(text)
	if err != nil {
		return errors.New("is not an even number of hexadecimal digits")
	}
	if len(key) != diskKeySize {
		return fmt.Errorf("a key has %d bytes, not %d: make one with openssl rand -hex %[1]d", diskKeySize, len(key))
	}
	d.Key = key
	if strings.HasPrefix(d.KeyFile, "$") {
		return nil // systemd keeps credentials in memory
	}
	return d.keyElsewhere(path)
}

// keyElsewhere refuses a key that leaves the machine with the disk it opens.
func (d *Disk) keyElsewhere(path string) error {
	keyDevice, err := device(path)
	if err != nil {
		return err
	}
	diskDevice, err := device(existing(d.Path))
	if err != nil {
		return err
	}
	if keyDevice == diskDevice {
		return errors.New("lies on the file system of the disk: who gets the disk gets the key. Use a credential of systemd, $CREDENTIALS_DIRECTORY/…")
	}
	return nil
}

// existing returns the innermost directory of path that there is already.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

func device(path string) (uint64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, rootCause(err)
	}
	return info.Sys().(*syscall.Stat_t).Dev, nil
}
