package disk

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

func testRing(t testing.TB) *keyring {
	t.Helper()
	r, err := newKeyring(bytes.Repeat([]byte{7}, KeySize), UUID{1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sealedTemp returns an encrypted file layer over a directory, and a name in it.
func sealedTemp(t testing.TB) (fsys *sealedFS, name string) {
	t.Helper()
	return newSealedFS(OS(), testRing(t)), filepath.Join(t.TempDir(), "file")
}

func openSealed(t testing.TB, fsys FS, name string, flag int) File {
	t.Helper()
	f, err := fsys.OpenFile(name, flag)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// raw returns what is on the disk of n bytes at off of an encrypted file.
func raw(t testing.TB, name string, off, n int) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil || len(b) < envelopeSize+off+n {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	return b[envelopeSize+off:][:n]
}

// TestKeystreamIsNeverUsedTwice writes two plaintexts to the same place, as after a
// torn write, and compares what an observer of the disk saw.
func TestKeystreamIsNeverUsedTwice(t *testing.T) {
	const at, n = 8192 + 5, 300
	p1, p2 := bytes.Repeat([]byte("one "), n/4), bytes.Repeat([]byte("two "), n/4)
	diff := xorBytes(p1, p2)
	for _, reopen := range []bool{false, true} {
		fsys, name := sealedTemp(t)
		f := openSealed(t, fsys, name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		before := bytes.Repeat([]byte("b"), at)
		write(t, f, before, 0)
		write(t, f, p1, at)
		c1 := bytes.Clone(raw(t, name, at, n))
		if reopen {
			f = openSealed(t, fsys, name, os.O_RDWR)
		}
		write(t, f, p2, at)
		c2 := raw(t, name, at, n)
		if bytes.Equal(xorBytes(c1, c2), diff) {
			t.Errorf("reopened %v: the same keystream for two plaintexts", reopen)
		}
		got := make([]byte, at+n)
		if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, append(before, p2...)) {
			t.Errorf("reopened %v: read back something else, %v", reopen, err)
		}
	}
}

func xorBytes(a, b []byte) []byte {
	c := make([]byte, len(a))
	for i := range c {
		c[i] = a[i] ^ b[i]
	}
	return c
}

func write(t testing.TB, f File, p []byte, off int64) {
	t.Helper()
	if n, err := f.WriteVec([][]byte{p[:len(p)/3], nil, p[len(p)/3:]}, off); n != len(p) || err != nil {
		t.Fatalf("WriteVec of %d bytes at %d: %d, %v", len(p), off, n, err)
	}
}

// TestFilesOfOnePlaintextDiffer: equal files look unlike each other.
func TestFilesOfOnePlaintextDiffer(t *testing.T) {
	fsys, name := sealedTemp(t)
	p := bytes.Repeat([]byte("same"), 100)
	for _, n := range []string{name + "1", name + "2"} {
		write(t, openSealed(t, fsys, n, os.O_RDWR|os.O_CREATE|os.O_TRUNC), p, 0)
	}
	if bytes.Equal(raw(t, name+"1", 0, 400), raw(t, name+"2", 0, 400)) {
		t.Error("two files have the same ciphertext")
	}
}

// TestSealedFileAgainstModel appends, writes over tails and reopens at random, and
// compares with a slice.
func TestSealedFileAgainstModel(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		fsys, name := sealedTemp(t)
		f := openSealed(t, fsys, name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		var model []byte
		for range 40 {
			switch rng.IntN(6) {
			case 0:
				f = openSealed(t, fsys, name, os.O_RDWR)
			case 1:
				model = model[:rng.IntN(len(model)+1)] // a torn tail
			default:
				p := make([]byte, rng.IntN(sealStep+sealStep/2))
				for i := range p {
					p[i] = byte(rng.Uint32())
				}
				write(t, f, p, int64(len(model)))
				model = append(model, p...)
			}
			compare(t, f, model, rng)
		}
	}
}

// compare reads a random range in both ways.
func compare(t *testing.T, f File, model []byte, rng *rand.Rand) {
	t.Helper()
	if len(model) == 0 {
		return
	}
	off := rng.IntN(len(model))
	got := make([]byte, 1+rng.IntN(len(model)-off))
	want := model[off:][:len(got)]
	if _, err := f.ReadAt(got, int64(off)); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("ReadAt %d bytes at %d: %v, equal %v", len(got), off, err, bytes.Equal(got, want))
	}
	clear(got)
	if f.TryReadAt(got, int64(off)) && !bytes.Equal(got, want) {
		t.Fatalf("TryReadAt %d bytes at %d differs", len(got), off)
	}
}

func TestSealedLengths(t *testing.T) {
	fsys, name := sealedTemp(t)
	f := openSealed(t, fsys, name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err := f.Resize(10_000); err != nil {
		t.Fatal(err)
	}
	files, err := fsys.List(filepath.Dir(name))
	if err != nil || len(files) != 1 || files[0].Size != 10_000 {
		t.Errorf("List: %+v, %v, want one file of 10000", files, err)
	}
	if n, err := f.ReadAt(make([]byte, 20_000), 0); n != 10_000 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt behind the end: %d, %v", n, err)
	}
}

func TestEpochsAreBounded(t *testing.T) {
	fsys, name := sealedTemp(t)
	openSealed(t, fsys, name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	var err error
	for i := range maxEpochs + 1 {
		f := openSealed(t, fsys, name, os.O_RDWR) // so that each write is a new epoch
		if _, err = f.WriteVec([][]byte{{1, 2, 3}}, int64(3*i)); err != nil {
			break
		}
	}
	if err == nil {
		t.Fatal("more epochs than an envelope has room for")
	}
	got := make([]byte, 3*(maxEpochs-1))
	if _, err := openSealed(t, fsys, name, os.O_RDONLY).ReadAt(got, 0); err != nil {
		t.Fatal(err)
	}
	if want := bytes.Repeat([]byte{1, 2, 3}, maxEpochs-1); !bytes.Equal(got, want) {
		t.Error("a file of many epochs reads wrong")
	}
}

func FuzzEnvelope(f *testing.F) {
	ring := testRing(f)
	e, err := ring.newEpoch(0)
	if err != nil {
		f.Fatal(err)
	}
	e2, _ := ring.newEpoch(4096)
	f.Add(encodeEnvelope([]epoch{e}))
	f.Add(encodeEnvelope([]epoch{e, e2}))
	f.Add(make([]byte, envelopeSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		epochs, err := ring.parseEnvelope(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v is not ErrCorrupt", err)
			}
			return
		}
		again, err := ring.parseEnvelope(encodeEnvelope(epochs))
		if err != nil || len(again) != len(epochs) {
			t.Errorf("round trip: %d epochs, then %d, %v", len(epochs), len(again), err)
		}
	})
}

// BenchmarkSeal is what encryption adds to a read or a write of 64 KiB.
func BenchmarkSeal(b *testing.B) {
	e, err := testRing(b).newEpoch(0)
	if err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 64<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for off := int64(0); b.Loop(); off += int64(len(p)) {
		e.xor(p, off)
	}
}
