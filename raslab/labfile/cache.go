package labfile

import (
	"io"
	"os"
	"path/filepath"

	"github.com/seed-9d983aeb/fdelab/drive/memo"
)

// A long lab has a cache beside its journal: what the proofs of identity and the searches of flash in it came to, which
// take half of the time of a replay. It holds results of computations, and no state: whoever opens the lab plays it as
// ever, and compares. So it may be deleted at any moment, and one that is torn, altered or another program's is not
// read. One whose sum was forged is found out where it makes a command come to something else than its entry says.
const (
	cacheName = "cache"
	cacheFrom = 500      // entries: a shorter lab is played sooner than the program is identified
	cacheNews = 300      // results that are worth a new file: about 30 ms of a processor
	cacheMax  = 64 << 20 // bytes of a file that is read
)

// cache is the cache of a lab that is open; nil: it has none.
type cache struct {
	file    string
	program string
	memo    *memo.Memo
	found   bool // the memo is from the file
	written int  // results of the memo that were computed when the file was written last
}

// newCache reads the cache of a lab with so many entries.
func newCache(dir string, entries int, o Options) *cache {
	if o.Program == nil || entries < cacheFrom {
		return nil
	}
	program, err := o.Program()
	if err != nil {
		return nil
	}
	c := &cache{file: filepath.Join(dir, cacheName), program: program, memo: memo.New()}
	f, err := os.Open(c.file)
	if err != nil {
		return c
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, cacheMax+1))
	if err != nil || len(data) > cacheMax {
		return c
	}
	if m, err := memo.Decode(data, program); err == nil {
		c.memo, c.found = m, true
	}
	return c
}

// distrust begins with nothing in place of what was in the file, and says whether there was something.
func (c *cache) distrust() bool {
	if c == nil || !c.found {
		return false
	}
	_ = os.Remove(c.file)
	c.memo, c.found = memo.New(), false
	return true
}

// results is the memo, nil if there is none.
func (c *cache) results() *memo.Memo {
	if c == nil {
		return nil
	}
	return c.memo
}

// save writes the cache if there is enough news. Nothing depends on whether it can be written: the file takes its name
// when it is whole, and needs no sync, since one that a loss of power tears has no sum that fits.
func (c *cache) save() {
	if c == nil || c.memo.Fresh()-c.written < cacheNews {
		return
	}
	c.written = c.memo.Fresh()
	data := c.memo.Encode(c.program)
	whole := c.file + ".new"
	_ = os.Remove(whole)
	if len(data) > cacheMax || os.WriteFile(whole, data, 0o600) != nil || os.Rename(whole, c.file) != nil {
		_ = os.Remove(whole)
	}
}
