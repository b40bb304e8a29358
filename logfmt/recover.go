package logfmt

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// recover closes the files that a crash left open: it cuts a torn last line or block,
// counts it, adds the trailer and gives the file its final name. Files that a living
// process holds are left alone.
func (k *keeper) recover() {
	for _, f := range k.list(suffixPart, suffixTempZstd, suffixTempGzip, suffixTempCoarse, suffixTempManifest) {
		opened, err := k.w.fs.Open(f.name, os.O_RDWR)
		if errors.Is(err, errInUse) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			k.note("open", f.name, err)
			continue
		}
		if f.suffix != suffixPart {
			k.remove(f.name) // what it was made from is still there
		} else {
			k.note("recover", f.name, k.adopt(opened, f))
		}
		k.note("close", f.name, opened.Close())
	}
}

// adopt closes one file of the last run.
func (k *keeper) adopt(opened file, f logFile) error {
	torn, err := k.cutTorn(opened, &f)
	if err != nil {
		return err
	}
	s, err := takeSurvey(opened, f.size)
	if err != nil {
		return err
	}
	if s.tally.sum.Records+s.damaged == 0 {
		k.remove(f.name)
		return nil
	}
	t := s.tally
	if s.stated == nil {
		t.sum.Recovered, t.sum.TornBytes, t.sum.MaybeLost = true, torn, s.peak
		k.w.counters.maybeLost.Add(s.peak)
		k.w.opts.Log.Warn("closed an access log that a killed run left; what it had in memory is lost",
			"file", f.name, "records", t.sum.Records, "maybe_lost", s.peak, "torn_bytes", torn)
	} else {
		t.sum = *s.stated
	}
	if k.w.crowd != nil {
		return k.coarsen(opened, f, t.sum)
	}
	return k.finishFile(opened, f, s)
}

// cutTorn makes a file end with its last whole line or block and returns how much that took.
func (k *keeper) cutTorn(opened file, f *logFile) (torn int64, err error) {
	whole, err := wholePieces(opened, f.size)
	if err != nil || whole == f.size {
		return 0, err
	}
	if err := opened.Truncate(whole); err != nil {
		return 0, err
	}
	torn, f.size = f.size-whole, whole
	k.w.counters.torn.Add(1)
	return torn, nil
}

// finishFile adds the trailer where it is missing, and gives a file its name and
// its manifest.
func (k *keeper) finishFile(opened file, f logFile, s *survey) error {
	line, plain := s.tally.end(s.format)
	if s.stated == nil {
		if _, err := opened.WriteAt(line, f.size); err != nil {
			return err
		}
	}
	if err := opened.Sync(); err != nil {
		return err
	}
	if err := k.w.fs.Rename(f.stem+suffixPart, f.stem+suffixClosed); err != nil {
		return err
	}
	k.w.counters.closed.Add(1)
	return k.writeManifest(f.stem, k.describe(f.stem, s.format, f.begun, s.tally.sum, plain))
}

// wholePieces returns the length of the file's whole lines or blocks, as the first one
// is.
func wholePieces(f io.ReaderAt, size int64) (int64, error) {
	var first [len(blockMagic)]byte
	if n, err := f.ReadAt(first[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	} else if isBlock(first[:n]) {
		return wholeBlocks(f, size)
	}
	return wholeLines(f, size)
}

// wholeBlocks returns the length of the file up to the first block that has no good
// head, or no end.
func wholeBlocks(f io.ReaderAt, size int64) (whole int64, err error) {
	var head [blockHead]byte
	for {
		n, err := f.ReadAt(head[:min(blockHead, size-whole)], whole)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		info, err := parseHead(head[:n])
		end := whole + blockHead + int64(info.length)
		if err != nil && !errors.Is(err, ErrVersion) || end > size {
			return whole, nil
		}
		whole = end
	}
}

// wholeLines returns the length of the file's whole lines: up to and with its
// last newline.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	var buf [16 << 10]byte
	for end := size; end > 0; {
		start := max(end-int64(len(buf)), 0)
		window := buf[:end-start]
		if _, err := f.ReadAt(window, start); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(window, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}
