package crashfs_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
)

// The bytes of a new file were synced, its name was not.
func Example() {
	disk := crashfs.New()
	f, _ := disk.Create("lab/drive")
	_, _ = f.Write([]byte("keys"))
	_ = f.Sync()
	lost := 0
	for seed := range uint64(100) {
		if len(disk.AfterCut(seed).Names()) == 0 {
			lost++
		}
	}
	fmt.Println("lost in some cuts:", lost > 0)
	_ = disk.SyncDir("lab")
	fmt.Println(disk.AfterCut(0).Names())
	// Output:
	// lost in some cuts: true
	// [lab/drive]
}
