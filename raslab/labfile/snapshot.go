package labfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// A long lab has a snapshot beside its journal: the session as it was after so many of its entries. Whoever opens the lab
// begins there, and plays the entries behind it. It may be deleted at any moment. One that is torn, altered, of another
// program or of another journal is not read, and one after which an entry plays otherwise is thrown away. Of what cannot
// be kept, none is made.
const (
	snapshotName = "snapshot"
	snapshotHead = "fdelab lab snapshot 1\n"
	snapshotNews = 500     // entries behind the last snapshot that are worth a new one
	snapshotMax  = 1 << 30 // bytes of a file that is read
)

type sum [sha256.Size]byte

// identify asks who this program is, if the lab is so long that it matters.
func (l *Lab) identify() {
	if l.options.Program == nil || len(l.entries) < snapshotNews {
		return
	}
	if program, err := l.options.Program(); err == nil {
		l.program = program
	}
}

// snapshotTop is how a snapshot of so many entries by this program begins.
func (l *Lab) snapshotTop(entries int) []byte {
	b := []byte(snapshotHead)
	b = binary.BigEndian.AppendUint32(b, uint32(len(l.program)))
	b = append(b, l.program...)
	b = binary.BigEndian.AppendUint64(b, uint64(entries))
	return append(b, l.sums[entries-1][:]...)
}

// resume begins with the snapshot, and says whether there is one.
func (l *Lab) resume() bool {
	if l.program == "" {
		return false
	}
	data, err := readUpTo(filepath.Join(l.dir, snapshotName), snapshotMax)
	at := len(snapshotHead) + 4 + len(l.program)
	if err != nil || len(data) < at+8+2*sha256.Size {
		return false
	}
	end := len(data) - sha256.Size
	if own := sha256.Sum256(data[:end]); !bytes.Equal(own[:], data[end:]) {
		return false
	}
	entries := binary.BigEndian.Uint64(data[at:])
	if entries == 0 || entries > uint64(len(l.entries)) || !bytes.HasPrefix(data, l.snapshotTop(int(entries))) {
		return false
	}
	s, err := console.FromImage(data[at+8+sha256.Size:end:end], l.sessionOptions())
	if err != nil {
		return false
	}
	l.session, l.snapped = s, int(entries)
	l.traced, l.files = map[*raslab.Lab]uint64{}, nil
	for _, lab := range s.Labs() {
		if t := lab.Trace(); len(t) > 0 {
			l.traced[lab] = t[len(t)-1].Seq // a command ends with its log in the journal
		}
	}
	return true
}

func readUpTo(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	i, err := f.Stat()
	if err != nil || !i.Mode().IsRegular() || i.Size() > most {
		return nil, os.ErrInvalid
	}
	data := make([]byte, i.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// forget removes a snapshot with which the lab was begun.
func (l *Lab) forget() error {
	if l.snapped == 0 {
		return nil
	}
	_ = os.Remove(filepath.Join(l.dir, snapshotName))
	l.snapped, l.again = 0, nil
	return l.session.Close()
}

// snap makes a snapshot if there is enough behind the last one. Nothing depends on whether it can be written: the file
// takes its name when it is whole, and needs no sync, since one that a loss of power tears has no sum that fits.
func (l *Lab) snap() {
	if l.broken == nil && l.program == "" {
		l.identify() // it has become long
	}
	if l.broken != nil || l.program == "" || len(l.entries)-l.snapped < snapshotNews {
		return
	}
	image, err := l.session.Image()
	if err != nil {
		return
	}
	l.snapped = len(l.entries)
	data := append(l.snapshotTop(l.snapped), image...)
	own := sha256.Sum256(data)
	data = append(data, own[:]...)
	name := filepath.Join(l.dir, snapshotName)
	whole := name + ".new"
	_ = os.Remove(whole)
	if len(data) > snapshotMax || os.WriteFile(whole, data, 0o600) != nil || os.Rename(whole, name) != nil {
		_ = os.Remove(whole)
	}
}
