package keydir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

// NotePeer keeps the address of the peer, host:port, in the directory of a server that runs with
// one. It is a file of its own, because PeerOf reads it while the server has the database locked.
func NotePeer(dir, addr string) error {
	path := filepath.Join(dir, PeerAddr)
	text := []byte(addr + "\n")
	if have, err := os.ReadFile(path); err == nil && string(have) == string(text) {
		return nil
	}
	next := path + ".part"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keydir: %w", err)
	}
	if err := pki.WriteNew(next, text, 0o644); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("keydir: %w", err)
	}
	return nil
}

// PeerOf says whether the server of a directory is one of a pair. If it ran with a peer, addr is
// the address of the last one. If Join made the directory and the server never ran, addr is empty.
func PeerOf(dir string) (addr string, paired bool) {
	if b, err := os.ReadFile(filepath.Join(dir, PeerAddr)); err == nil {
		return strings.TrimSpace(string(b)), true
	}
	_, err := os.Stat(filepath.Join(dir, CA+".key"))
	return "", errors.Is(err, fs.ErrNotExist)
}
