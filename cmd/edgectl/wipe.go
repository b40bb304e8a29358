package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"edged/cache/disk"
	"edged/internal/audit"
	"edged/internal/config"
)

const wipeHelp = `
Wipe makes a disk of edged unreadable before a server is given back, and empties its
directory. It overwrites the superblock and the beginning of every file, discards
their space, and removes them. edged must not be running. With -disk no
configuration is read, so that keys that are gone do not matter.

What that is worth depends on the disk:
- Encrypted with a key: the salts are gone, so what is left cannot be decrypted, not
  even with the key, unless the device kept a copy of the overwritten pages. Destroy
  the key too.
- Encrypted until restart: the key went with the last process.
- Not encrypted: files are gone, bytes may not be. Flash keeps what was overwritten
  until it needs the room; -overwrite helps on rotating disks only. Have the device
  erase itself: blkdiscard, nvme format, hdparm --security-erase.
File systems that copy on write, snapshots and backups keep what they keep.

Examples:
  edgectl wipe                                    what would be wiped
  edgectl wipe -yes
  edgectl wipe -disk /var/cache/edged/nvme0 -yes`

func wipeCommand() command {
	return command{
		name:    "wipe",
		args:    "[-config FILE] [-disk PATH ...] -yes",
		summary: "make disks unreadable before a server is given back",
		text:    wipeHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f wipeFlags
			fs.StringVar(&f.config, "config", defaultConfig, "configuration `FILE` whose disks are wiped")
			fs.Var(&f.disks, "disk", "`PATH` of a disk to wipe instead, may be repeated")
			fs.BoolVar(&f.overwrite, "overwrite", false, "write over every byte first, which takes as long as filling the disk")
			fs.BoolVar(&f.yes, "yes", false, "do it")
			return f.run
		},
	}
}

// wipeFlags are the flags of wipe.
type wipeFlags struct {
	config         string
	state          string // of the configuration that named the disks
	disks          list
	overwrite, yes bool
}

func (f *wipeFlags) run(s streams, args []string) (err error) {
	if len(args) != 0 {
		return usagef("what is %q for?", args[0])
	}
	paths, err := f.paths()
	if err != nil {
		return err
	}
	if paths, err = survey(s.out, paths); err != nil || len(paths) == 0 {
		return err
	}
	if !f.yes {
		return usagef("all that is stored there will be lost: say -yes")
	}
	defer f.note(s.err, &err)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	for _, path := range paths {
		if err := f.wipe(ctx, s.out, path); err != nil {
			return err
		}
	}
	return nil
}

// paths returns the directories of the disks.
func (f *wipeFlags) paths() ([]string, error) {
	if len(f.disks) > 0 {
		return f.disks, nil
	}
	c, err := config.Load(f.config)
	if err != nil {
		return nil, fmt.Errorf("which disks? Give -disk PATH, or a configuration: %w", err)
	}
	f.state = c.StateDir()
	var paths []string
	for _, d := range c.Disks {
		paths = append(paths, d.Path)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no [[disk]]: nothing to wipe", f.config)
	}
	return paths, nil
}

// note puts the wipe into the node's record of orders, where there is one.
func (f *wipeFlags) note(w io.Writer, failed *error) {
	if _, err := os.Stat(f.state); f.state == "" || err != nil {
		return
	}
	e := audit.Entry{Order: "wipe", Who: fmt.Sprintf("edgectl uid %d", os.Getuid()), Outcome: audit.Done, Details: map[string]any{"overwrite": f.overwrite}}
	if *failed != nil {
		e.Outcome = audit.Failed
	}
	if _, err := audit.New(filepath.Join(f.state, config.AuditName)).Append(&e); err != nil {
		fmt.Fprintln(w, "edgectl wipe: not in the record of orders:", err)
	}
}

// survey prints what is on each disk, and returns those that have something. Names
// and sizes say nothing of content.
func survey(out io.Writer, paths []string) (full []string, err error) {
	for _, path := range paths {
		w, err := disk.Survey(path)
		for _, name := range w.Foreign {
			fmt.Fprintf(out, "%s: %s is not of edged and stays\n", path, name)
		}
		switch {
		case errors.Is(err, disk.ErrNotFound):
			fmt.Fprintf(out, "%s: nothing of edged is there\n", path)
		case err != nil:
			return nil, err
		default:
			fmt.Fprintf(out, "%s: %d files, %.1f MiB, encryption %s\n", path, w.Files, float64(w.Bytes)/(1<<20), w.Encryption)
			full = append(full, path)
		}
	}
	return full, nil
}

// reportEvery is how often progress is printed.
const reportEvery = 2 * time.Second

func (f *wipeFlags) wipe(ctx context.Context, out io.Writer, path string) error {
	said := time.Now()
	w, err := disk.Wipe(ctx, path, disk.WipeOptions{Overwrite: f.overwrite, Progress: func(done, all int) {
		if time.Since(said) >= reportEvery {
			said = time.Now()
			fmt.Fprintf(out, "%s: %d of %d files\n", path, done, all)
		}
	}})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: wiped, %d files. %s\n", path, w.Files, promise(w.Encryption))
	return nil
}

// promise says what a wipe is worth.
func promise(e disk.Encryption) string {
	switch e {
	case disk.Keyed:
		return "The salts are overwritten: nothing left on the device can be decrypted, unless it kept old copies of them. Destroy the key too."
	case disk.Ephemeral:
		return "Its key went with the last process: nothing left on the device can be decrypted."
	default:
		return "It was not encrypted: the device may still hold what was stored. Have it erase itself (blkdiscard, nvme format) before you give it back."
	}
}
