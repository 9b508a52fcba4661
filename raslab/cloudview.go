package raslab

import (
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
)

// CloudObject is an object in the cloud, as the facility's receipt and the cloud
// server have it.
type CloudObject struct {
	Object   string
	State    string // "in the cloud", "missing", "without a receipt"; "" if the server could not be asked
	Rank     string
	LBA      uint64
	Sectors  int
	Bytes    int64 // of plaintext
	KeyGroup int
	Released bool // the cloud has the only copy
	Migrated time.Time
	Name     string // at the cloud server
}

// CloudObjects lists the objects of the facility by name: those it has receipts of, and those that
// the cloud server has without one. asked says why the server could not be asked; the receipts are
// listed all the same. err says that the receipts cannot be read.
func (l *Lab) CloudObjects() (list []CloudObject, asked, err error) {
	if err := l.cloudReady("cloud list"); err != nil {
		return nil, nil, err
	}
	names, asked := l.cloud.server.List(l.cloud.name(""))
	for _, r := range l.cloud.receipts {
		o := l.cloud.public(r)
		if asked == nil {
			o.State = "missing"
			if slices.Contains(names, o.Name) {
				o.State = "in the cloud"
			}
		}
		list = append(list, o)
	}
	for _, name := range names {
		object, ok := strings.CutPrefix(name, l.cloud.name(""))
		if _, ours := l.cloud.find(object); ok && !ours {
			list = append(list, CloudObject{Object: object, State: "without a receipt", Name: name})
		}
	}
	slices.SortFunc(list, func(a, b CloudObject) int { return strings.Compare(a.Object, b.Object) })
	return list, asked, nil
}

func (c *cloudSide) public(r cloudReceipt) CloudObject {
	return CloudObject{
		Object: r.Object, Rank: r.Rank, LBA: r.LBA, Sectors: r.Sectors, Bytes: r.Size,
		KeyGroup: r.Group, Released: r.Released, Migrated: r.Migrated, Name: c.name(r.Object),
	}
}

// CloudView is what the cloud server sees of an object.
type CloudView struct {
	CloudObject
	Size   int64  // bytes at the cloud server
	Head   []byte // the first 32 of them, or all
	Pieces int    // pieces of 16 bytes of plaintext that were looked for; 0 if the plaintext is not known now
	Found  int    // how many of them are among the bytes
	Why    error  // why the object does not open; nil if it does
}

// pieceSize is the length of a piece of plaintext that is looked for, in bytes. Noise never
// contains a piece of this length.
const pieceSize = 16

// LookIntoCloud shows what the cloud server sees of an object, and whether any piece
// of its plaintext is in there. Nothing is changed.
func (l *Lab) LookIntoCloud(object string) (CloudView, error) {
	const op = "cloud show"
	kept, err := l.cloudReceipt(op, object)
	if err != nil {
		return CloudView{}, err
	}
	v := CloudView{CloudObject: l.cloud.public(kept)}
	raw, err := l.cloud.server.Get(v.Name, tct.SizeMax+tct.Overhead)
	if err != nil {
		return CloudView{}, cloudError(op, object, err)
	}
	v.State, v.Size, v.Head = "in the cloud", int64(len(raw)), raw[:min(len(raw), 32)]
	g, err := l.keys.cloudGroup(op, kept.Group)
	if err != nil {
		v.Why = err
		return v, nil
	}
	plain, err := tct.New(g.enc, l.cloud.server, l.cloud.entropy).Recall(l.cloud.receipt(kept))
	if err != nil {
		v.Why = cloudError(op, object, err)
		return v, nil
	}
	v.Pieces, v.Found = piecesIn(raw, plain)
	return v, nil
}

// piecesIn looks for every distinct piece of a plaintext.
func piecesIn(raw, plain []byte) (pieces, found int) {
	seen := map[[pieceSize]byte]bool{} // whether it was found
	for i := 0; i+pieceSize <= len(plain); i += pieceSize {
		seen[[pieceSize]byte(plain[i:])] = false
	}
	for i := 0; i+pieceSize <= len(raw); i++ {
		p := [pieceSize]byte(raw[i:])
		if was, known := seen[p]; known && !was {
			seen[p] = true
			found++
		}
	}
	return len(seen), found
}
