package logfmt

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Set is what checking several files together found.
type Set struct {
	Files     int
	Records   int64 // lines that are records
	Dropped   int64 // records that were lost and are counted
	Erased    int64 // records that were removed by request
	MaybeLost int64 // records that killed processes had in memory, an estimate
	Problems  []Problem
	Notes     []Problem // not wrong, but good to know
}

// Problem is something that was found in a file, or between it and the one before.
type Problem struct{ File, Text string }

// stretch is which records a file is about.
type stretch struct {
	file        string
	node        string
	run         int64
	first, last int64 // numbers, those dropped before the first record included
	recovered   bool
}

// FilesOf returns the log files among names: those of directories, and what is not a
// directory as it is. A file that is there plain and compressed counts once.
func FilesOf(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("logfmt: %w", err)
		}
		if !info.IsDir() {
			files = append(files, name)
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, fmt.Errorf("logfmt: %w", err)
		}
		seen := map[string]bool{}
		for _, e := range entries {
			path := filepath.Join(name, e.Name())
			if isLog(e.Name()) && !seen[stemOf(path)] {
				seen[stemOf(path)] = true
				files = append(files, path)
			}
		}
	}
	return files, nil
}

func isLog(name string) bool {
	return slices.ContainsFunc([]string{suffixClosed, suffixZstd, suffixGzip, suffixPart}, func(s string) bool {
		return strings.HasSuffix(name, s) && stemOf(name)+s == name
	})
}

// VerifySet checks each file, and that nothing is missing between them: within one run
// of a node the numbers go on from file to file. Directories stand for the log files in
// them; there a manifest without its file is a file that is missing.
func VerifySet(names []string) (*Set, error) {
	files, err := FilesOf(names)
	if err != nil {
		return nil, err
	}
	s := &Set{Files: len(files)}
	var all []stretch
	for _, f := range files {
		c, err := VerifyFile(f)
		if err != nil {
			s.problem(f, "cannot be read: "+err.Error())
			continue
		}
		all = append(all, s.file(f, c))
	}
	if err := s.orphans(names, files); err != nil {
		return nil, err
	}
	s.join(all)
	return s, nil
}

func (s *Set) problem(file, text string) { s.Problems = append(s.Problems, Problem{file, text}) }

// file adds what one file has.
func (s *Set) file(name string, c *Check) stretch {
	t := &c.Found
	if c.Stated != nil {
		t = c.Stated
	}
	s.Records += c.Found.Records
	s.Dropped += t.Dropped
	s.Erased += t.Erased
	s.MaybeLost += t.MaybeLost
	for _, p := range c.Problems {
		if isPart(name) && c.Torn && len(c.Problems) == 1 {
			break // it is being written
		}
		s.problem(name, p)
	}
	return stretch{file: name, node: nodeOf(name), run: t.Run, first: t.First - c.Lead, last: t.Last, recovered: t.Recovered}
}

// nodeOf tells the files of two nodes apart by what is before the time in their names.
func nodeOf(name string) string {
	parts := strings.Split(filepath.Base(stemOf(name)), "-")
	return strings.Join(parts[:max(len(parts)-2, 0)], "-")
}

// orphans looks for manifests whose file is gone.
func (s *Set) orphans(names, files []string) error {
	there := map[string]bool{}
	for _, f := range files {
		there[stemOf(f)] = true
	}
	for _, dir := range names {
		manifests, err := filepath.Glob(filepath.Join(dir, "*"+suffixManifest))
		if err != nil {
			return fmt.Errorf("logfmt: %w", err)
		}
		for _, path := range manifests {
			if there[stemOf(path)] {
				continue
			}
			m, err := ReadManifest(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				s.problem(path, err.Error())
				continue
			}
			s.problem(filepath.Join(dir, m.File.Name), fmt.Sprintf("is missing: %d records, as its manifest says", m.Content.Records))
		}
	}
	return nil
}

// join looks for gaps between the files of a run.
func (s *Set) join(all []stretch) {
	slices.SortFunc(all, func(a, b stretch) int {
		return cmp.Or(strings.Compare(a.node, b.node), cmp.Compare(a.run, b.run), cmp.Compare(a.first, b.first))
	})
	for i := range all {
		f := &all[i]
		if f.run == 0 {
			continue // without records
		}
		if i == 0 || all[i-1].run != f.run || all[i-1].node != f.node {
			if f.first > 1 {
				s.Notes = append(s.Notes, Problem{f.file, fmt.Sprintf("records 1 to %d of its run are in older files", f.first-1)})
			}
			continue
		}
		before := &all[i-1]
		switch {
		case f.first <= before.last:
			s.problem(f.file, fmt.Sprintf("has records %d to %d, which are in %s, too", f.first, min(f.last, before.last), before.file))
		case f.first > before.last+1:
			s.problem(f.file, fmt.Sprintf("records %d to %d, between it and %s, are missing", before.last+1, f.first-1, before.file))
		}
	}
}
