package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Suffix is what the new content's file is called by until it is whole. One that a
// crash left is overwritten.
const Suffix = ".new"

// File is what is needed of an open file.
type File interface {
	WriteAt(b []byte, at int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Opener opens a file for writing and creates it where it is missing.
type Opener func(path string) (File, error)

// Mode opens files of the system, and creates them with this mode.
func Mode(mode fs.FileMode) Opener {
	return func(path string) (File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, mode) }
}

// Replace gives the file at path a new content, which may be borrowed. After an error
// it has the old one or the new one, whole; only when the directory could not be
// synchronised it is the new one.
func (open Opener) Replace(path string, content []byte) error {
	temp := path + Suffix
	out, err := open(temp)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	err = out.Truncate(0)
	if err == nil {
		_, err = out.WriteAt(content, 0)
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("durable: %w", errors.Join(err, os.Remove(temp)))
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a directory outlive a crash: files that were created,
// renamed or removed.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}
