package erase

import (
	"bytes"
	"fmt"
	"math"
)

// MinimumStrength is how strong the destroyed media key must have been, in bits,
// for a cryptographic erase to be accepted (NIST SP 800-88 Rev. 2 section 3.2, not read).
const MinimumStrength = 128

// Policy is what an organization asks for, beyond what is always asked for, before
// it accepts an erase.
type Policy struct {
	By       string // whose policy, for certificates; "" is the tool's
	Identity bool   // the drive must prove its factory identity
}

// Outside is somebody outside the drive who keeps keys that led to its data: the
// key servers of a facility, an escrow agent, a backup.
type Outside struct {
	Holder string // in the plural: "the key servers of key group 1"
	// Searched: what is kept is among Job.Owner and Job.Secrets, so that the
	// search was made with it.
	Searched bool
	// Copies: what is kept are copies of the media key or of its wraps, as an image
	// of the drive has them. Such an erase is never accepted.
	Copies bool
}

// The names of the points of a validation, in the order in which they are judged.
const (
	PointMedium   = "medium"       // what was written can be read from the medium, so that it can be judged
	PointPlain    = "plain data"   // nothing on the medium lies in the clear
	PointStrength = "key strength" // the destroyed key was strong enough
	PointCopies   = "key copies"   // every copy of it that the drive had is gone
	PointOutside  = "outside keys" // what is kept outside the drive opens nothing
	PointIdentity = "identity"     // it is known which drive this is
)

const (
	verificationPassed = "passed"
	purge              = "Purge"
	cryptographicErase = "Cryptographic Erase"
)

// unreached is the strength of a key that the search did not reach: more than any key has.
const unreached = math.MaxInt

// validate judges whether an erase that passed its verification is accepted. The
// verification asks whether the erase did what an erase does; the validation asks
// whether that sanitizes this drive. It judges by what was found on this drive, and
// by nothing else.
func (r *run) validate() {
	if r.res.Outcome != Passed {
		return
	}
	medium, plain := r.pointMedium()
	r.res.Validation = []Check{medium, plain, r.pointStrength(), r.pointCopies(), r.pointOutside(), r.pointIdentity()}
	for _, p := range r.res.Validation {
		if p.Verdict == Fail {
			r.res.Outcome, r.res.Why = NotAccepted, p.Name+": "+p.Why
			return
		}
	}
}

// pointMedium looks at each sector of the medium that the erase covers. A
// cryptographic erase reaches what was encrypted, and only that: data that was
// stored in the clear outlives the key.
func (r *run) pointMedium() (medium, plain Check) {
	medium, plain = Check{Name: PointMedium, Verdict: Pass}, Check{Name: PointPlain, Verdict: Pass}
	dump := r.t.Dump()
	written, read := 0, 0
	var clear []string
	for _, lba := range dump.Written {
		if !r.covers(lba) {
			continue
		}
		written++
		sector, ok := dump.Sector(lba)
		if !ok {
			continue
		}
		read++
		if inTheClear(sector) {
			clear = append(clear, fmt.Sprintf("LBA %d", lba))
		}
	}
	r.samples.Unread, r.samples.Written, r.samples.Read = r.unread, written, read
	switch {
	case written > 0 && read == 0:
		medium.Verdict, medium.Why = Fail, fmt.Sprintf("none of %s can be read from it, so nobody can say what it holds", sectors(written))
		plain.Verdict, plain.Why = NotPossible, "nothing can be read from the medium"
		return medium, plain
	case read < written:
		medium.Why = fmt.Sprintf("%d of %s can be read from it, and the others were written by the same drive", read, sectors(written))
	default:
		medium.Why = sectors(written) + " can be read from it"
	}
	if len(clear) > 0 {
		plain.Verdict, plain.Why = Fail, fmt.Sprintf("%s of %d in the clear, which no erase of a key reaches: %s", sectors(len(clear)), read, list(clear))
	} else {
		plain.Why = fmt.Sprintf("none of %s is in the clear", sectors(read))
	}
	return medium, plain
}

func sectors(n int) string {
	if n == 1 {
		return "1 written sector"
	}
	return fmt.Sprintf("%d written sectors", n)
}

// covers says whether a sector is in what was erased.
func (r *run) covers(lba uint64) bool {
	if r.job.Method != RangeErase {
		return true
	}
	return r.within(&r.ranges[0], lba)
}

// plainDistinct: 512 random bytes have 221 different values, with a standard
// deviation below 5; more bytes have more.
const plainDistinct = 160

// inTheClear says whether a sector of 512 bytes or more cannot be the ciphertext
// of AES-XTS. Ciphertext looks random: that two of its blocks are equal, or that
// it has so few different bytes, happens once in more than 2^100 sectors. Data
// that looks random itself, such as compressed data, is not found.
func inTheClear(sector []byte) bool {
	blocks := map[[16]byte]bool{}
	for at := 0; at+16 <= len(sector); at += 16 {
		b := [16]byte(sector[at:])
		if blocks[b] {
			return true
		}
		blocks[b] = true
	}
	n := 0
	for v := range 256 {
		if bytes.IndexByte(sector, byte(v)) >= 0 {
			n++
		}
	}
	return n < plainDistinct
}

// pointStrength judges the media keys that the search reached before the erase:
// they protected what is left on the medium.
func (r *run) pointStrength() Check {
	c := Check{Name: PointStrength, Verdict: Pass}
	switch {
	case r.strength == unreached:
		c.Verdict, c.Why = NotPossible, "the old key could not be reached even before the erase"
	case r.strength < MinimumStrength:
		c.Verdict, c.Why = Fail, fmt.Sprintf("the old key had at most %d bits, need %d: it can be guessed, gone or not", r.strength, MinimumStrength)
	default:
		c.Why = fmt.Sprintf("AES-256-XTS, and nothing in the old key tells of less than %d bits", r.strength)
	}
	return c
}

// pointCopies asks for every copy. A search that found no way is not enough: a wrap
// that nobody can open today may be opened with a secret that turns up later.
func (r *run) pointCopies() Check {
	remains, _ := r.res.Check(CheckRemains)
	c := Check{Name: PointCopies, Verdict: Pass, Why: remains.Why}
	if remains.Verdict != Pass {
		c.Verdict, c.Why = Fail, "nobody can say that every copy of the old key is gone: "+remains.Why
	}
	return c
}

// pointOutside judges the escrow: a cryptographic erase must not rest on keys that
// somebody else keeps (NIST SP 800-88 Rev. 2 section 3.2, not read).
func (r *run) pointOutside() Check {
	c := Check{Name: PointOutside, Verdict: Pass}
	control, _ := r.res.Check(CheckControl)
	search, _ := r.res.Check(CheckSearch)
	remains, _ := r.res.Check(CheckRemains)
	searched := true
	for _, o := range r.job.Outside {
		searched = searched && o.Searched
		if o.Copies {
			c.Verdict, c.Why = Fail, "a copy of the old key is outside the drive, which erased its own only: "+o.Holder
			return c
		}
	}
	switch {
	case len(r.job.Outside) == 0:
		c.Why = "none is known of"
	case searched && control.Verdict == Pass && search.Verdict == Pass:
		c.Why = "the search had what " + r.holders() + " keep, and it opens nothing"
	case remains.Verdict == Pass:
		c.Why = "what " + r.holders() + " keep has no wrap left to open"
	default:
		c.Verdict, c.Why = Fail, "what "+r.holders()+" keep may open what is left"
	}
	return c
}

func (r *run) holders() string {
	var names []string
	for _, o := range r.job.Outside {
		names = append(names, o.Holder)
	}
	return list(names)
}

// pointIdentity lets the drive prove which one it is.
func (r *run) pointIdentity() Check {
	c := Check{Name: PointIdentity, Verdict: Pass, Why: "proved by challenge"}
	if r.proved = r.identity(); r.proved == "" {
		c.Verdict, c.Why = NotPossible, "not proved; the drive is known by its serial number only"
		if r.e.o.Policy.Identity {
			c.Verdict, c.Why = Fail, "it did not prove which drive it is"
		}
	}
	return c
}
