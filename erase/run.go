package erase

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// run is one job under way.
type run struct {
	e    *Engine
	n    int
	jobs int
	job  *Job
	t    Target
	cfg  drive.Config
	res  Result

	canary [32]byte // plaintext of this run's canaries

	// From the journal: earlier attempts since the drive last passed.
	passed      *Entry
	oldPrints   forensic.Prints
	oldCanaries []Canary
	oldLocks    map[int]drive.ResetSet // LockOnReset as it was before an attempt that did not set it back

	// What had to be gone when it last passed, and what was looked at again since: see recertify.
	passedPrints   forensic.Prints
	passedCanaries []Canary
	again          []Check

	msid    drive.PIN
	ranges  []target // those that are erased
	before  drive.Status
	oracles []forensic.Oracle
	secrets []forensic.Secret
	own     int // the first so many secrets are the engine's own copies
	owners  int // the first of the owner's credentials among them
	made    []Canary
	// searcher searches with the secrets and the oracles; nil before the first search.
	searcher *forensic.Searcher
	// strength is the least of the media keys that opened an oracle before the
	// erase, in bits; unreached if there was none.
	strength int
	erased   time.Time // when the drive had answered the erase command
	proved   string    // identity that the drive proved
	unread   int       // oracles whose sector cannot be read after the erase
	samples  Samples
	history  []Event           // what is known of the drive before this run, oldest first
	traces   []string          // what the run has left on a drive that it did not erase
	enabled  []drive.Authority // BandMasters that were disabled, and are not for now
	prints   forensic.Prints
	all      bool  // prints cover all key material, not only the way to the oracles
	bare     []int // ranges with a place that gave no known plaintext
	control  Check
}

// target is one range that is erased.
type target struct {
	n     int
	info  drive.RangeInfo
	known bool              // info is known: the drive could say
	was   drive.RangeConfig // info.RangeConfig as the owner left it, before any attempt
	owned bool              // pin opens it, or it is at MSID
	pin   drive.PIN         // of its BandMaster before the erase; the zero PIN if not known
}

func (r *run) progress(step string) {
	if r.e.o.Progress == nil {
		return
	}
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	r.e.o.Progress(Progress{Job: r.n, Serial: r.res.Serial, Step: step, Jobs: r.jobs})
}

func (r *run) append(entry Entry) error {
	if r.e.o.Journal == nil {
		return nil
	}
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	entry.Time, entry.Serial, entry.Method, entry.Range = r.now(), r.res.Serial, r.job.Method, r.job.Range
	return r.e.o.Journal.Append(entry)
}

func (r *run) now() time.Time { return r.e.o.Clock().UTC() }

// do runs the job. Its error is the journal's; everything else is in the result.
func (r *run) do() error {
	r.res.Started = r.now()
	defer func() { r.res.Ended = r.now() }()
	defer r.forget()
	if r.already() {
		return nil
	}
	r.progress("prove")
	if why := r.prove(); why != "" {
		r.res.Outcome, r.res.Why = Refused, r.withTraces(why)
		return nil
	}
	r.progress("oracle")
	if err := r.takeOracles(); err != nil {
		r.res.Outcome, r.res.Why = NotStarted, r.withTraces("the journal failed before the erase")
		return err
	}
	if !r.t.Status().Powered {
		r.res.Outcome, r.res.Why = Refused, r.withTraces("the drive lost its power before the erase")
		return nil
	}
	r.progress("search")
	r.examine()
	if err := r.append(Entry{Event: eventBegin, Prints: r.prints, Canaries: r.made, Locks: r.changedLocks()}); err != nil {
		r.res.Outcome, r.res.Why = NotStarted, r.withTraces("the journal failed before the erase")
		return err
	}
	r.res.Attempts++
	r.progress("erase")
	err := r.erase()
	if err == nil {
		err = r.vacate()
	}
	r.erased = r.now()
	if refusal(err) {
		r.res.Outcome, r.res.Why = Refused, r.withTraces(err.Error())
	} else {
		r.progress("verify")
		r.verify(err)
		r.validate()
	}
	r.certify()
	r.res.Ended = r.now()
	res := r.res
	end := Entry{Event: eventEnd, Result: &res, Generation: r.t.Status().KeyGeneration}
	if r.e.o.Journal != nil && res.Outcome == Passed {
		end.Media = mediaSum(r.t.Dump())
	}
	return r.append(end)
}

// already says whether the drive passed in an earlier run, was accepted, and is as it was then: no
// key has changed, says the drive, and no sector, says the media. A drive that was in use meanwhile
// holds data again, under the key of the last erase.
func (r *run) already() bool {
	if r.passed == nil || len(r.passed.Result.Validation) == 0 { // a journal from before there was a validation
		return false
	}
	s := r.t.Status()
	if !s.Powered || s.KeyGeneration != r.passed.Generation || s.State == drive.SecurityDegraded {
		return false
	}
	if r.job.Method != RangeErase && s.State != drive.Erased {
		return false
	}
	if r.passed.Media == "" || r.passed.Media != mediaSum(r.t.Dump()) {
		return false
	}
	before := r.res
	r.res = *r.passed.Result
	r.res.Outcome, r.res.Attempts = AlreadyErased, before.Attempts
	r.res.Why = "passed at " + r.passed.Time.Format(time.RFC3339) + ", no key and no sector changed since"
	if r.res.Certificate != nil || r.e.sign == nil {
		return true
	}
	r.progress("search")
	why := r.recertify()
	if why == "" {
		return true
	}
	// The drive says that nothing has changed, and its flash or its medium says otherwise.
	r.res, r.oldPrints, r.oldCanaries = before, r.passedPrints, r.passedCanaries
	r.history = append(r.history, Event{at(r.now()), atMost("looked at again, and not taken for erased: "+why, eventMax)})
	return false
}

// mediaSum is the SHA-256, in hexadecimal, of every sector ever written, as it
// lies on the media, with its LBA.
func mediaSum(dump drive.Dump) string {
	h := sha256.New()
	for _, lba := range dump.Written {
		sector, ok := dump.Sector(lba)
		head := binary.BigEndian.AppendUint64(nil, lba)
		if !ok {
			sector, head = nil, append(head, 1) // it cannot be read
		}
		h.Write(head)
		h.Write(sector)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// refusal says whether the drive refused a command so that nothing was changed.
func refusal(err error) bool {
	return errors.Is(err, drive.NotAuthorized) || errors.Is(err, drive.LockedOut) ||
		errors.Is(err, drive.SPBusy) || errors.Is(err, drive.NoPower)
}

// erase is the one call that destroys.
func (r *run) erase() error {
	if r.job.Method == PSIDRevert {
		return r.t.RevertPSID(r.job.PSID)
	}
	s, err := r.t.Authenticate(drive.EraseMaster, r.eraseMaster())
	if err != nil {
		return err
	}
	defer s.Close()
	if r.job.Method == RangeErase {
		return s.Erase(r.job.Range)
	}
	return s.EraseAll()
}

func (r *run) eraseMaster() drive.PIN {
	if r.job.EraseMaster.Len() == 0 {
		return r.msid
	}
	return r.job.EraseMaster
}
