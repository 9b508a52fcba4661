package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// What the command says of a drive beside what the engine says.
const (
	cannotUse  erase.Outcome = "cannot be used" // the file is no drive, in use, and so on
	noPlan     erase.Outcome = "not planned"    // the plan left it out: no PIN is known for it
	notReached erase.Outcome = ""               // planned, and its turn has not come
)

// erasee is a file that may be a drive to erase.
type erasee struct {
	path    string
	serial  string // "" where the file is no drive
	state   drive.State
	written int // sectors
	outcome erase.Outcome
	why     string
	result  *erase.Result
	// certificate is the file that was written.
	certificate string
	uncertified bool // it is erased, and there is no certificate although a key was given

	file *driveFile // while it is open
}

func (d *erasee) cannot(err error) {
	d.outcome, d.why = cannotUse, d.plain(err)
}

// plain is the text of an error for a line that names the file already.
func (d *erasee) plain(err error) string {
	return strings.TrimPrefix(oneLine(raslab.PlainError(err)), d.path+": ")
}

func (d *erasee) notPlanned(format string, args ...any) {
	d.outcome, d.why = noPlan, fmt.Sprintf(format, args...)
}

// close closes the drive, and says whether its name still leads to it.
func (d *erasee) close() error {
	if d.file == nil {
		return nil
	}
	f := d.file
	d.file = nil
	return errors.Join(f.Close(), f.vanished())
}

// find lists the files of the arguments.
func (r *eraseRun) find(args []string) error {
	var seen []fs.FileInfo
	add := func(path string) {
		// One file by two names or two arguments is one drive.
		if info, err := os.Stat(path); err == nil {
			for _, s := range seen {
				if os.SameFile(s, info) {
					return
				}
			}
			seen = append(seen, info)
		}
		r.drives = append(r.drives, &erasee{path: path})
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return cannotf("erase: %w", plainDriveError(err))
		}
		if !info.IsDir() {
			add(arg)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return cannotf("erase: %w", plainDriveError(err))
		}
		for _, e := range entries {
			path := filepath.Join(arg, e.Name())
			if strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), ".drive") && !beginsAsDrive(path) {
				if !e.IsDir() {
					r.others++
				}
				continue
			}
			add(path)
		}
	}
	return nil
}

// beginsAsDrive says whether a file has the first bytes of a drive, whatever its name.
func beginsAsDrive(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() { // a pipe would wait for its writer
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(drive.FileMagic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == drive.FileMagic
}

// eachOf calls do with 0 to n-1 on at most workers goroutines.
func eachOf(n, workers int, do func(i int)) {
	var lock sync.Mutex
	next := 0
	var all sync.WaitGroup
	for range min(n, workers) {
		all.Go(func() {
			for {
				lock.Lock()
				i := next
				next++
				lock.Unlock()
				if i >= n {
					return
				}
				do(i)
			}
		})
	}
	all.Wait()
}

// inspect looks at every drive, and leaves out of the plan what cannot be erased.
func (r *eraseRun) inspect() {
	eachOf(len(r.drives), r.f.workers, func(i int) { r.look(r.drives[i]) })
	of := map[string][]*erasee{}
	for _, d := range r.drives {
		if d.serial != "" {
			of[d.serial] = append(of[d.serial], d)
		}
	}
	for _, d := range r.drives {
		if same := of[d.serial]; d.outcome == notReached && len(same) > 1 {
			// Copies of one drive: the journal could not tell which of them is done.
			other := same[0]
			if other == d {
				other = same[1]
			}
			d.notPlanned("%s says that it is drive %s, too: copies of a drive are erased one by one", other.path, d.serial)
		}
	}
}

// look opens one drive, asks it what it is, and closes it.
func (r *eraseRun) look(d *erasee) {
	job, err := r.job(d)
	forgetJob(job)
	if d.file == nil {
		d.cannot(err)
		return
	}
	d.state, d.written = d.file.Status().State, len(d.file.Dump().Written)
	if closed := d.close(); closed != nil {
		d.cannot(closed)
	} else if err != nil {
		d.notPlanned("%s", d.plain(err))
	}
}

// planned is how many drives are to be erased.
func (r *eraseRun) planned() int {
	n := 0
	for _, d := range r.drives {
		if d.outcome == notReached {
			n++
		}
	}
	return n
}

// labelOf reads the PSID of a drive from the file of its label, and refuses the label of another
// drive: a wrong PSID costs a try.
func (r *eraseRun) labelOf(d *erasee) (drive.PIN, error) {
	path := d.path + ".label"
	if r.f.labels != "" {
		path = filepath.Join(r.f.labels, filepath.Base(path))
	}
	b, err := pki.ReadPrivate(path)
	if err != nil {
		return drive.PIN{}, fmt.Errorf("label: %w", err)
	}
	defer clear(b)
	l, err := drive.ParseLabel(b)
	switch {
	case err != nil:
		return drive.PIN{}, fmt.Errorf("label: %s: %w", path, err)
	case l.Serial != d.serial:
		return drive.PIN{}, fmt.Errorf("label: %s is that of drive %q", path, l.Serial)
	}
	return l.PSID, nil
}

// ownerOf reads the PIN of the BandMasters of a drive.
func (r *eraseRun) ownerOf(d *erasee) (drive.PIN, error) {
	source := r.f.owner
	if !source.named() {
		return drive.PIN{}, errors.New("it has an owner: give --owner-file, or --psid")
	}
	if info, err := os.Stat(source.file); err == nil && info.IsDir() {
		source.file = filepath.Join(source.file, fileOfSerial(d.serial)+".pin")
	}
	return source.read(r.a, "PIN of the owner of "+d.serial)
}

// planRow is a drive in the JSON answer of --plan.
type planRow struct {
	File    string `json:"file"`
	Serial  string `json:"serial,omitempty"`
	State   string `json:"state,omitempty"`
	Written int    `json:"written_sectors"`
	Erase   bool   `json:"erase"`
	Why     string `json:"why,omitempty"` // why not
}

// plan is the JSON answer of --plan.
type erasePlan struct {
	Method erase.Method `json:"method"`
	Drives []planRow    `json:"drives"`
	Erase  int          `json:"erase"`
	Others int          `json:"other_files"`
}

// printPlan says what is going to be done: all of it, or only what is left out.
func (r *eraseRun) printPlan(whole bool) error {
	n := r.planned()
	p := erasePlan{Method: r.f.method(), Drives: []planRow{}, Erase: n, Others: r.others}
	for _, d := range r.drives {
		row := planRow{File: d.path, Serial: d.serial, Written: d.written, Erase: d.outcome == notReached, Why: d.why}
		if d.serial != "" && d.outcome != cannotUse {
			row.State = d.state.String()
		}
		p.Drives = append(p.Drives, row)
	}
	if r.a.json {
		return r.a.printJSON(p)
	}
	r.a.printf("plan: %s of %s; %d left out; %s\n", p.Method, count(n, "drive"), len(r.drives)-n, count(r.others, "other file")+" not touched")
	if !whole && n == len(r.drives) {
		return nil
	}
	t := layout.NewTable(r.a.out, r.a.width())
	t.Head("file\tdrive\tstate\tsectors\tplan")
	for _, row := range p.Drives {
		what := "erase"
		if !row.Erase {
			what = "left out: " + row.Why
		}
		if whole || !row.Erase {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", oneLine(row.File), row.Serial, row.State, row.Written, what)
		}
	}
	return t.Flush()
}

// count is a number with its noun.
func count[N int | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, y := strings.CutSuffix(noun, "ry"); y { // an entry
		return fmt.Sprintf("%d %sries", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
