package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"edged/cache/disk"
)

// newDisk makes an empty disk and closes it again.
func newDisk(t *testing.T, e disk.Encryption) string {
	t.Helper()
	dir := t.TempDir()
	d, err := disk.Open(disk.Options{Path: dir, Size: 64 << 20, Encryption: e, Key: make([]byte, disk.KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWipe(t *testing.T) {
	for e, promise := range map[disk.Encryption]string{
		disk.Plain: "blkdiscard", disk.Keyed: "Destroy the key too", disk.Ephemeral: "went with the last process",
	} {
		dir := newDisk(t, e)
		code, out, errs := edgectl("wipe", "-disk", dir)
		if code != exitUsage || !strings.Contains(out, "encryption "+e.String()) || !strings.Contains(errs, "-yes") {
			t.Errorf("%v without -yes: code %d\n%s%s", e, code, out, errs)
		}
		if _, err := os.Stat(filepath.Join(dir, "superblock")); err != nil {
			t.Fatalf("%v without -yes: %v", e, err)
		}
		code, out, errs = edgectl("wipe", "-disk", dir, "-yes")
		if code != exitOK || !strings.Contains(out, dir+": wiped") || !strings.Contains(out, promise) {
			t.Errorf("%v: code %d\n%s%s", e, code, out, errs)
		}
		code, out, _ = edgectl("wipe", "-disk", dir, "-yes")
		if code != exitOK || !strings.Contains(out, "nothing of edged is there") {
			t.Errorf("%v, again: code %d\n%s", e, code, out)
		}
	}
}

func TestWipeOfConfiguredDisks(t *testing.T) {
	a, b := newDisk(t, disk.Plain), newDisk(t, disk.Ephemeral)
	state := t.TempDir()
	conf := writeConfig(t, strings.Replace(testConfig, "[node]", "[node]\nstate = '"+state+"'", 1)+"[[disk]]\npath = '"+a+"'\nsize = '64MiB'\n[[disk]]\npath = '"+b+"'\nsize = '64MiB'\n")
	code, out, errs := edgectl("wipe", "-config", conf, "-yes")
	if code != exitOK || !strings.Contains(out, a+": wiped") || !strings.Contains(out, b+": wiped") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if code, out, _ := edgectl("audit", "-config", conf); code != exitOK || !strings.Contains(out, "wipe") || !strings.Contains(out, "done") {
		t.Errorf("the record of orders: code %d\n%s", code, out)
	}
	none := writeConfig(t, testConfig)
	if code, _, errs := edgectl("wipe", "-config", none, "-yes"); code != exitFailed || !strings.Contains(errs, "[[disk]]") {
		t.Errorf("without disks: code %d, %s", code, errs)
	}
}

func TestWipeRefusesRunningDisk(t *testing.T) {
	dir := t.TempDir()
	d, err := disk.Open(disk.Options{Path: dir, Size: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	code, _, errs := edgectl("wipe", "-disk", dir, "-yes")
	if code != exitFailed || !strings.Contains(errs, "in use by another process") {
		t.Errorf("code %d, %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "superblock")); err != nil {
		t.Error(err)
	}
}
