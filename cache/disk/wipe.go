package disk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Wiped is what Wipe found and, when it returns no error, has removed.
type Wiped struct {
	Path       string
	Encryption Encryption // as the superblock said; Plain when there was none
	Files      int        // of the disk, superblock included
	Bytes      int64      // of those
	Foreign    []string   // names of what does not belong to the disk and stays
}

// WipeOptions configure Wipe.
type WipeOptions struct {
	// Overwrite writes random bytes over everything before it is discarded. It says
	// something on devices that write in place only: not on flash, not on file systems
	// that copy on write.
	Overwrite bool
	// Progress is called after every file, with how many are done; nil is none.
	Progress func(done, all int)
}

// Survey tells what Wipe would remove, and touches nothing. The error wraps
// ErrNotFound when the directory is no disk.
func Survey(dir string) (Wiped, error) {
	w := Wiped{Path: dir}
	files, err := realFS{}.List(dir)
	if err != nil {
		return w, fmt.Errorf("disk: wipe: %w", err)
	}
	for _, f := range files {
		switch {
		case f.Name == superName || f.Name == journalName || ours(f.Name):
			w.Files++
			w.Bytes += f.Size
		case f.Name != lockName:
			w.Foreign = append(w.Foreign, f.Name)
		}
	}
	if w.Files == 0 {
		return w, fmt.Errorf("%w: %s has no files of a disk", ErrNotFound, dir)
	}
	if b, err := readFile(realFS{}, filepath.Join(dir, superName)); err == nil {
		if s, err := parseSuperblock(b); err == nil {
			w.Encryption = s.encryption
		}
	}
	return w, nil
}

// Wipe makes what a disk holds unreadable as far as files go: it overwrites the
// superblock and the first page of every file, among them the salts without which
// nothing of an encrypted disk can be decrypted, gives the space back to the device,
// and removes the files. A file system or a device may keep copies that no
// file shows any more.
//
// The error wraps ErrLocked while somebody has the disk open; nothing is then
// touched. After any other error Wipe can be repeated.
func Wipe(ctx context.Context, dir string, o WipeOptions) (Wiped, error) {
	if w, err := Survey(dir); err != nil {
		return w, err
	}
	lock, err := realFS{}.Lock(dir)
	if err != nil {
		return Wiped{Path: dir}, fmt.Errorf("disk: wipe: %w", err)
	}
	defer lock.Close()
	w, err := Survey(dir) // again: now nobody adds to it
	if err == nil {
		err = wipeAll(ctx, &w, o)
	}
	return w, err
}

// wipeAll wipes the superblock first, so that an interrupted wipe leaves no disk.
// Its file goes last: as long as it is there, the directory is known for what it is.
func wipeAll(ctx context.Context, w *Wiped, o WipeOptions) error {
	super := filepath.Join(w.Path, superName)
	if err := wipeFile(ctx, super, o.Overwrite); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := realFS{}.List(w.Path)
	if err != nil {
		return fmt.Errorf("disk: wipe: %w", err)
	}
	done := 0
	for _, f := range files {
		if f.Name != journalName && !ours(f.Name) {
			continue
		}
		name := filepath.Join(w.Path, f.Name)
		if err := errors.Join(wipeFile(ctx, name, o.Overwrite), os.Remove(name)); err != nil {
			return err
		}
		if done++; o.Progress != nil {
			o.Progress(done, w.Files)
		}
	}
	if err := os.Remove(super); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("disk: wipe: %w", err)
	}
	if o.Progress != nil {
		o.Progress(w.Files, w.Files)
	}
	return realFS{}.SyncDir(w.Path)
}

// wipeFile overwrites a file, or its first page, and gives its space back.
func wipeFile(ctx context.Context, name string, whole bool) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("disk: wipe: %w", err)
	}
	err = scrub(ctx, f, whole)
	if err == nil {
		err = discard(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("disk: wipe of %s: %w", name, err)
	}
	return nil
}

// scrub writes random bytes over the first page of a file, or all of it, in place.
func scrub(ctx context.Context, f *os.File, whole bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if !whole {
		size = min(size, pageSize)
	}
	noise := make([]byte, min(size, 1<<20))
	_, _ = rand.Read(noise) // never fails
	for off := int64(0); off < size; off += int64(len(noise)) {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if _, err := f.WriteAt(noise[:min(int64(len(noise)), size-off)], off); err != nil {
			return err
		}
	}
	return f.Sync() // or the discard would come before the bytes reach the device
}

// discard punches out the whole file, which lets a file system mounted with discard
// tell the device. Where that is not supported the removal has to do.
func discard(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	const mode = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
	err = retry(func() error { return unix.Fallocate(int(f.Fd()), mode, 0, info.Size()) })
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("punch hole: %w", err)
	}
	return f.Sync()
}
