package logfmt

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// tidyEvery is how often closed files are looked through.
const tidyEvery = time.Hour

// keeper looks after files that are not written to: it closes what a crash left
// open, syncs and compresses closed ones and deletes old ones. Only files whose
// names [naming] made are touched. It belongs to one goroutine.
type keeper struct {
	w     *Writer
	names naming
	files chan closedFile
}

func newKeeper(w *Writer, names naming) *keeper {
	return &keeper{w: w, names: names, files: make(chan closedFile, 8)}
}

// logFile is a file of ours.
type logFile struct {
	name, stem, suffix string
	begun              time.Time
	size               int64
}

// start is what has to be done before the first record. It fails when the
// directory cannot be used at all, which is a matter of configuration; a full
// or ailing disk is not, and does not keep a node from starting.
func (k *keeper) start() error {
	if err := k.probe(); errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	k.recover()
	k.expire()
	return nil
}

// probe tries whether files can be made here.
func (k *keeper) probe() error {
	name := k.names.stem(k.w.opts.Now(), 0) + suffixPart
	f, err := k.w.fs.Open(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), k.w.fs.Remove(name))
}

// run works until ctx ends, and then finishes what was handed over.
func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	k.tidy(ctx)
	for {
		select {
		case f := <-k.files:
			k.settle(f)
			k.tidy(ctx)
		case <-tick.C:
			k.recover()
			k.tidy(ctx)
		case <-ctx.Done():
			k.settleAll()
			return
		}
	}
}

func (k *keeper) settleAll() {
	for {
		select {
		case f := <-k.files:
			k.settle(f)
		default:
			return
		}
	}
}

// settle makes a closed file durable and describes it.
func (k *keeper) settle(f closedFile) {
	name := f.stem + suffixClosed
	if k.w.crowd != nil {
		k.note("coarsen", name, k.coarsen(f.file, logFile{stem: f.stem, begun: f.begun, size: f.size}, f.content))
	} else if err := f.file.Sync(); err != nil {
		k.note("sync", name, err)
	} else {
		m := k.describe(f.stem, k.w.opts.Format, f.begun, f.content, f.plain)
		k.note("describe", name, k.writeManifest(f.stem, m))
	}
	k.note("close", name, f.file.Close())
}

// tidy describes, compresses and deletes.
func (k *keeper) tidy(ctx context.Context) {
	k.describeAll()
	if k.w.opts.Compress != CompressNone {
		k.compressAll(ctx)
	}
	k.expire()
}

// expire deletes closed files that are too old, and the oldest ones while all
// of them take too much room. Age counts from the beginning of a file, so that
// no record in it is kept longer than the retention.
func (k *keeper) expire() {
	now := k.w.opts.Now()
	files := k.list(suffixClosed, suffixZstd, suffixGzip)
	var total int64
	for _, f := range files {
		total += f.size
	}
	kept := files[:0]
	for _, f := range files {
		old := now.Sub(f.begun) >= k.w.opts.Retention
		big := k.w.opts.MaxTotal > 0 && total > k.w.opts.MaxTotal
		if (old || big) && k.remove(f.name) {
			k.remove(f.stem + suffixManifest)
			k.w.counters.deleted.Add(1)
			total -= f.size
			continue
		}
		kept = append(kept, f)
	}
	for _, f := range k.list(suffixManifest) { // of files that were collected
		if now.Sub(f.begun) >= k.w.opts.Retention {
			k.remove(f.name)
		}
	}
	k.publish(kept, total)
}

// publish sets the counters that describe what there is.
func (k *keeper) publish(files []logFile, total int64) {
	c := &k.w.counters
	c.files.Store(int64(len(files)))
	c.fileBytes.Store(total)
	c.oldest.Store(0)
	if len(files) > 0 {
		c.oldest.Store(files[0].begun.Unix())
	}
}

// list returns our files with one of the given suffixes, oldest first.
func (k *keeper) list(suffixes ...string) []logFile {
	infos, err := k.w.fs.List()
	if err != nil {
		k.note("list", ".", err)
		return nil
	}
	var files []logFile
	for _, info := range infos {
		stem, suffix, begun, ok := k.names.parse(info.Name())
		if ok && slices.Contains(suffixes, suffix) {
			files = append(files, logFile{info.Name(), stem, suffix, begun, info.Size()})
		}
	}
	slices.SortFunc(files, func(a, b logFile) int {
		return cmp.Or(a.begun.Compare(b.begun), cmp.Compare(a.name, b.name))
	})
	return files
}

// remove reports whether the file is gone. Somebody else may have taken it.
func (k *keeper) remove(name string) bool {
	err := k.w.fs.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	k.note("delete", name, err)
	return err == nil
}

// note counts and reports an error; nil is none.
func (k *keeper) note(what, name string, err error) {
	if err == nil {
		return
	}
	k.w.counters.errors.Add(1)
	k.w.opts.Log.Warn("access log file", "operation", what, "file", name, "error", err)
}
