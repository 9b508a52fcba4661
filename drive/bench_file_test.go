package drive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// BenchmarkEraseFiles erases drives that live in files, one after the other, and makes as many raw writes
// of a page with an fsync, each to a file of its own. It reports the ratio of the two.
func BenchmarkEraseFiles(b *testing.B) {
	for _, n := range []int{50, 100, 200} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			labels := make([]Label, n)
			for i := range n {
				d, label, err := CreateFile(filepath.Join(dir, fmt.Sprint(i)), facilityConfig(fmt.Sprint(i)), FileOptions{Entropy: entropy.Stream(1, fmt.Sprint(i))})
				if err = errors.Join(err, d.Close(), os.WriteFile(filepath.Join(dir, fmt.Sprint("raw", i)), make([]byte, flash.FileSize(flash.DefaultGeometry)), 0o600)); err != nil {
					b.Fatal(err)
				}
				labels[i] = label
			}
			var erased, written time.Duration
			round := uint64(0)
			for b.Loop() {
				round++
				for i := range n { // in turns, so that both find the same disk
					start := time.Now()
					eraseFile(b, filepath.Join(dir, fmt.Sprint(i)), labels[i], round)
					erased += time.Since(start)
					start = time.Now()
					writeRaw(b, filepath.Join(dir, fmt.Sprint("raw", i)))
					written += time.Since(start)
				}
			}
			b.ReportMetric(erased.Seconds()/written.Seconds(), "erases/write")
			b.ReportMetric(float64(erased.Microseconds())/float64(b.N*n), "us/erase")
		})
	}
}

func eraseFile(b *testing.B, path string, label Label, seed uint64) {
	d, err := OpenFile(path, FileOptions{Entropy: entropy.Stream(seed, path)})
	if err != nil {
		b.Fatal(err)
	}
	if err := d.PowerOn(); err != nil {
		b.Fatal(err)
	}
	do(b, d.Drive, EraseMaster, label.MSID, Session.EraseAll)
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}

func writeRaw(b *testing.B, path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	page := make([]byte, flash.DefaultGeometry.PageSize)
	page[0] = byte(time.Now().Nanosecond()) | 1
	_, err = f.WriteAt(page, 8192)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		b.Fatal(err)
	}
}
