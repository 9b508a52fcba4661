package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// archive is a cpio archive of form "newc", which the kernel unpacks as its first file system.
type archive struct {
	b     bytes.Buffer
	inode int
}

func (a *archive) add(name string, mode uint32, data []byte) {
	a.inode++
	fmt.Fprintf(&a.b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.b.WriteString(name)
	a.b.WriteByte(0)
	a.pad()
	a.b.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.b.Len()%4 != 0 {
		a.b.WriteByte(0)
	}
}

// pack writes an initramfs with this program as /init and the modules in the order in which they are loaded.
func pack(out string, modules []string) error {
	const dir, file = 0o40755, 0o100755
	self, err := os.Executable()
	if err != nil {
		return err
	}
	init, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	a := new(archive)
	for _, d := range []string{"dev", "proc", "sys", "modules"} {
		a.add(d, dir, nil)
	}
	a.add("init", file, init)
	for n, m := range modules {
		b, err := os.ReadFile(m)
		if err != nil {
			return err
		}
		a.add(fmt.Sprintf("modules/%02d-%s", n, filepath.Base(m)), file, b)
	}
	a.add("TRAILER!!!", 0, nil)
	return os.WriteFile(out, a.b.Bytes(), 0o600)
}
