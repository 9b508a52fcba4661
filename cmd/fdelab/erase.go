package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// eraseFlags are the flags of `fdelab erase`.
type eraseFlags struct {
	journal           string
	resume, plan, yes bool
	psid              bool
	labels            string
	pin, owner        pinSource
	key, certificates string
	statement         erase.Statement
	workers           int
}

func newEraseCmd(a *app) *cobra.Command {
	var f eraseFlags
	c := &cobra.Command{
		Use:         "erase DIR...",
		Annotations: needsLocks,
		Short:       "erase many drives, prove it, and certify it",
		Long: "erase erases drives in files by new media keys and never believes them: it takes a known plaintext\n" +
			"before, and searches the flash for every way to it afterwards. DIR is a directory, of which every\n" +
			"file that is a drive or is named *.drive is taken, or the file of a drive.\n\n" +
			"It first says what it is going to do, and asks for the number of drives. --plan ends there, --yes\n" +
			"answers. A drive that has an owner is erased for the owner only (--owner-file), or with the PSID of\n" +
			"its label (--psid). A file that cannot be used is one line, and the rest goes on.\n\n" +
			"Each step is in a journal before it is done. A run that was cut, by whatever, is gone on with\n" +
			"by --resume: drives that passed and were not used since are not touched again.\n\n" +
			"With --key each drive that passes gets a certificate; fdelab certificate verify checks it. The key\n" +
			"is an Ed25519 key in PEM: openssl genpkey -algorithm ed25519.\n\n" +
			"The exit code is 1 if a drive was found that is not erased now.",
		Example: "  fdelab erase drives --plan\n  fdelab erase drives --key operator.key --certificates certificates\n  fdelab erase drives --resume",
		Args:    between(1, -1, "a directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.erase(args, &f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.journal, "journal", "", "file of the journal (default erase.journal in the first directory)")
	fl.BoolVar(&f.resume, "resume", false, "go on with the run of the journal")
	fl.BoolVar(&f.plan, "plan", false, "say what would be done, and do nothing")
	fl.BoolVar(&f.yes, "yes", false, "do not ask for the number of drives")
	f.pin.flags(c, "pin", "the PIN of the EraseMasters, if it is not the MSID")
	f.owner.flags(c, "owner", "the PIN of the BandMasters, if it is not the MSID")
	fl.Lookup("owner-file").Usage += "; or a directory with a file SERIAL.pin for each drive"
	fl.BoolVar(&f.psid, "psid", false, "revert each drive with the PSID of its label, whoever owns the data")
	fl.StringVar(&f.labels, "labels", "", "directory of the labels, named as the drives with .label behind (default beside them)")
	fl.StringVar(&f.key, "key", "", "file with the private key that signs certificates; mode 0600")
	fl.StringVar(&f.certificates, "certificates", "", "directory for the certificates (default certificates in the first directory)")
	fl.StringVar(&f.statement.Operator, "operator", "", "for certificates: who erases the drives")
	fl.StringVar(&f.statement.Organization, "organization", "", "for certificates: of whom")
	fl.StringVar(&f.statement.Location, "location", "", "for certificates: where")
	fl.IntVar(&f.workers, "workers", 0, "drives at once (default one for each processor)")
	return c
}

func (f *eraseFlags) check() error {
	switch {
	case f.workers < 0:
		return usagef("erase: --workers %d, need 1 or more", f.workers)
	case f.psid && (f.pin.named() || f.owner.named()):
		return usagef("erase: --psid needs no other PIN: leave out --pin-file, --pin-env, --owner-file and --owner-env")
	case f.labels != "" && !f.psid:
		return usagef("erase: --labels is of use with --psid only")
	case f.certificates != "" && f.key == "":
		return usagef("erase: --certificates needs --key, which signs them").withHint("openssl genpkey -algorithm ed25519 -out operator.key")
	}
	return nil
}

func (f *eraseFlags) method() erase.Method {
	if f.psid {
		return erase.PSIDRevert
	}
	return erase.DriveErase
}

// eraseRun is one `fdelab erase`.
type eraseRun struct {
	a       *app
	f       *eraseFlags
	journal *erase.FileJournal
	engine  *erase.Engine
	drives  []*erasee
	others  int // files in the directories that are no drives
	bar     *runProgress
}

func (a *app) erase(args []string, f *eraseFlags) (err error) {
	first := args[0]
	if info, err := os.Stat(first); err == nil && !info.IsDir() {
		first = filepath.Dir(first)
	}
	f.journal = cmp.Or(f.journal, filepath.Join(first, "erase.journal"))
	f.workers = cmp.Or(f.workers, runtime.GOMAXPROCS(0))
	if f.key != "" {
		f.certificates = cmp.Or(f.certificates, filepath.Join(first, "certificates"))
	}
	r := &eraseRun{a: a, f: f}
	if err := r.find(args); err != nil {
		return err
	}
	if len(r.drives) == 0 {
		return usagef("erase: no drive was found: need files that are drives, or are named *.drive")
	}
	r.inspect()
	n := r.planned()
	if f.plan {
		return r.printPlan(true)
	}
	if !a.json {
		if err := r.printPlan(false); err != nil {
			return err
		}
	}
	if n == 0 {
		return r.summary(0)
	}
	what := fmt.Sprintf("erases %s: type their number, %d", count(n, "drive"), n)
	if err := a.confirm("erase", f.yes, fmt.Sprint(n), what); err != nil {
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.journal.Close()) }()
	began := time.Now()
	stopped := r.all(n)
	if err := r.summary(time.Since(began)); stopped == nil {
		return err
	}
	return cannotf("%w", stopped).withHint("fdelab erase --resume goes on")
}

// open opens the journal and makes the engine, before a drive is touched.
func (r *eraseRun) open() error {
	_, err := os.Stat(r.f.journal)
	switch there := err == nil; {
	case there && !r.f.resume:
		return usagef("erase: there is a journal already, %s", r.f.journal).
			withHint("--resume goes on with its run; --journal names another one")
	case !there && r.f.resume:
		return usagef("erase: there is no journal %s to go on with", r.f.journal)
	}
	signer, err := r.f.signer()
	if err != nil {
		return err
	}
	if signer != nil {
		if err := os.MkdirAll(r.f.certificates, 0o755); err != nil {
			return cannotf("erase: certificates: %w", err)
		}
	}
	if r.journal, err = erase.OpenJournal(r.f.journal); err != nil {
		return cannotf("%w", err)
	}
	o := erase.Options{
		Clock: time.Now, Entropy: rand.Reader, Concurrency: r.f.workers, Journal: r.journal, Signer: signer,
		Tool: "fdelab " + readVersion().releaseVersion(), Statement: r.f.statement,
		Progress: func(p erase.Progress) {
			if p.Step == "done" {
				r.bar.done(p.Serial)
			}
		},
	}
	if spare := runtime.GOMAXPROCS(0) / min(r.f.workers, r.planned()); spare > 1 {
		o.Search = forensic.Options{Parallel: parallel(spare)}
	}
	if r.engine, err = erase.New(o); err != nil {
		return errors.Join(usagef("%w", err), r.journal.Close())
	}
	return nil
}

// atOnce is how many drives are open at a time. Each waits with its power on, and its certificate is
// written when all of them are done.
func (f *eraseFlags) atOnce() int { return max(16, 4*f.workers) }

// all erases what was planned. The error ended the run: an interrupt, or the journal.
func (r *eraseRun) all(n int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r.bar = r.a.progress(uint64(n), "drives")
	defer r.bar.stop()
	var batch []*erasee
	for i, d := range r.drives {
		if d.outcome == "" {
			batch = append(batch, d)
		}
		if len(batch) == r.f.atOnce() || i == len(r.drives)-1 && len(batch) > 0 {
			if err := r.batch(ctx, batch); err != nil {
				return err
			}
			batch = nil
		}
	}
	return nil
}

// batch erases some drives, and closes them.
func (r *eraseRun) batch(ctx context.Context, batch []*erasee) error {
	var jobs []erase.Job
	var of []*erasee
	for _, d := range batch {
		job, err := r.job(d)
		if err != nil {
			d.cannot(err)
			d.close()
			r.bar.done(d.serial)
			continue
		}
		jobs, of = append(jobs, job), append(of, d)
	}
	var report erase.Report
	var stopped error
	if len(jobs) > 0 {
		report, stopped = r.engine.Run(ctx, jobs)
	}
	for i, d := range of {
		forgetJob(jobs[i])
		if i < len(report.Results) {
			d.result = &report.Results[i]
			d.outcome, d.why = d.result.Outcome, d.result.Why
		}
		if err := d.close(); err != nil {
			// What the engine saw is not what the name of the drive leads to.
			d.result = nil
			d.cannot(err)
		}
		if err := r.certify(d); err != nil && stopped == nil {
			stopped = err
		}
	}
	return stopped
}

// job opens a drive, gives it power and says how it is to be erased.
func (r *eraseRun) job(d *erasee) (erase.Job, error) {
	var err error
	if d.file, err = openDriveFile(d.path); err != nil {
		return erase.Job{}, err
	}
	if serial := d.file.Serial(); d.serial == "" {
		d.serial = serial
	} else if serial != d.serial {
		return erase.Job{}, fmt.Errorf("%s: is drive %s now; it was %s in the plan", d.path, d.file.Serial(), d.serial)
	}
	if err := d.file.PowerOn(); err != nil {
		return erase.Job{}, fmt.Errorf("%s: %w", d.path, err)
	}
	job := erase.Job{Target: d.file, Method: r.f.method()}
	if r.f.psid {
		job.PSID, err = r.labelOf(d)
		job.Destroy = d.serial // what was asked for when the plan was confirmed
		return job, err
	}
	return job, r.pins(d, &job)
}

// forgetJob clears the PINs that were read for a job.
func forgetJob(j erase.Job) {
	j.PSID.Clear()
	j.EraseMaster.Clear()
	for _, c := range j.Owner {
		c.PIN.Clear()
	}
}

// parallel runs the shares of a search on n goroutines.
func parallel(n int) func(shares int, do func(i int)) {
	return func(shares int, do func(i int)) { eachOf(shares, n, do) }
}

// pins reads the PINs that a drive needs beside its MSID.
func (r *eraseRun) pins(d *erasee, job *erase.Job) error {
	factory, err := d.file.AtMSID(drive.EraseMaster)
	if err != nil {
		return fmt.Errorf("%s: %w", d.path, err)
	}
	if !factory {
		if !r.f.pin.named() {
			return fmt.Errorf("%s: its EraseMaster has a PIN of its own: give --pin-file", d.path)
		}
		if job.EraseMaster, err = r.f.pin.read(r.a, "PIN of the EraseMaster"); err != nil {
			return err
		}
	}
	var owner drive.PIN
	defer owner.Clear()
	for n := range d.file.Config().Ranges + 1 {
		info, err := d.file.Range(n)
		if err != nil {
			return fmt.Errorf("%s: %w", d.path, err)
		}
		if info.AtMSID {
			continue
		}
		if owner.Len() == 0 {
			if owner, err = r.ownerOf(d); err != nil {
				return err
			}
		}
		job.Owner = append(job.Owner, erase.Credential{Range: n, PIN: owner.Clone()})
	}
	return nil
}
