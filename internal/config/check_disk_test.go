package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDiskKey loads a disk with a key from various files.
func TestDiskKey(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	good := strings.Repeat("5c", 32)
	for _, tt := range []struct {
		name, file, content string
		mode                os.FileMode
		want                string // part of the error; "" is none
	}{
		{"credential", "$CREDENTIALS_DIRECTORY/key", good + "\n", 0o400, ""},
		{"too short", "$CREDENTIALS_DIRECTORY/key", good[2:], 0o400, "a key has 32 bytes, not 31"},
		{"not hexadecimal", "$CREDENTIALS_DIRECTORY/key", "x" + good[1:], 0o400, "hexadecimal"},
		{"for all to read", "$CREDENTIALS_DIRECTORY/key", good, 0o644, "everybody"},
		{"on the disk", filepath.Join(dir, "key"), good, 0o400, "file system of the disk"},
		{"missing", "$CREDENTIALS_DIRECTORY/none", good, 0o400, "cannot read the file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, key := filepath.Join(t.TempDir(), "edged.toml"), filepath.Join(dir, "key")
			_ = os.Remove(key)
			write(t, key, tt.content)
			if err := os.Chmod(key, tt.mode); err != nil {
				t.Fatal(err)
			}
			write(t, path, minimalSite+"[[disk]]\npath = '"+dir+"/disk'\nsize = '1GiB'\nencrypt = 'key'\nkey_file = '"+tt.file+"'\n")
			c, err := Load(path)
			if tt.want == "" {
				if err != nil || !bytes.Equal(c.Disks[0].Key, bytes.Repeat([]byte{0x5c}, 32)) {
					t.Errorf("Load: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "disk[0].key_file") {
				t.Errorf("Load: %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), good[:8]) {
				t.Errorf("the key is in the error: %v", err)
			}
		})
	}
}

// TestKeyOnAnotherFileSystem takes a key file outside of the credentials.
func TestKeyOnAnotherFileSystem(t *testing.T) {
	const other = "/dev/shm"
	dir := t.TempDir()
	here, err := device(dir)
	there, err2 := device(other)
	if err != nil || err2 != nil || here == there {
		t.Skip("no second file system here")
	}
	elsewhere, err := os.MkdirTemp(other, "edged-test")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(elsewhere) })
	key, path := filepath.Join(elsewhere, "key"), filepath.Join(dir, "edged.toml")
	write(t, key, strings.Repeat("5c", 32))
	if err := os.Chmod(key, 0o400); err != nil {
		t.Fatal(err)
	}
	write(t, path, minimalSite+"[[disk]]\npath = '"+dir+"/a/b'\nsize = '1GiB'\nencrypt = 'key'\nkey_file = '"+key+"'\n")
	if c := load(t, path); len(c.Disks[0].Key) != 32 {
		t.Errorf("a key of %d bytes", len(c.Disks[0].Key))
	}
}
