package forensic

import (
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Adversary is what a thief has beside the flash. Each has what those before have.
type Adversary int

const (
	// ReadsFlash has the dump, and what is printed on the drive or told to anybody: MSID and PSID.
	ReadsFlash Adversary = 1 + iota
	// ReadsFuses has opened the chip: he has the root key, too.
	ReadsFuses
	// KnowsRetired has the credentials that were in use and are not any more, too: those that the caller
	// gives.
	KnowsRetired
)

// adversaries are what each is called, and what he has beside what those before him have.
var adversaries = []struct {
	who       Adversary
	name, has string
}{
	{ReadsFlash, "reads the flash", "the dump, and what is printed on the drive or told to anybody (MSID, PSID)"},
	{ReadsFuses, "reads flash and fuses", "the root key: he has opened the chip"},
	{KnowsRetired, "reads both and knows the retired credentials given", "each credential that the caller gave: those that were in use once, and are not any more"},
}

// Adversaries are all, the weakest first.
func Adversaries() (all []Adversary) {
	for _, a := range adversaries {
		all = append(all, a.who)
	}
	return all
}

// String says what the adversary can do.
func (a Adversary) String() string {
	for _, x := range adversaries {
		if x.who == a {
			return x.name
		}
	}
	return "nobody"
}

// Has is what the adversary has beside what the weaker ones have.
func (a Adversary) Has() string {
	for _, x := range adversaries {
		if x.who == a {
			return x.has
		}
	}
	return "nothing"
}

// Level is how a certificate names the adversary: "2 of 3: reads flash and fuses".
func (a Adversary) Level() string { return fmt.Sprintf("%d of %d: %v", int(a), len(adversaries), a) }

// Public is a secret that every thief knows, such as MSID and PSID: one is told to anybody, the other is
// printed on the drive.
func Public(s Secret) Secret {
	s.public = true
	return s
}

// Knower is the weakest adversary who knows the secret.
func (s Secret) Knower() Adversary {
	switch {
	case s.public:
		return ReadsFlash
	case s.root:
		return ReadsFuses
	}
	return KnowsRetired
}

// SearchAs is Search for all three adversaries: each finding names the weakest who gets there, and has his
// path. Where something is found that needs a secret, the search is made again for the weaker ones.
func SearchAs(dump drive.Dump, secrets []Secret, oracles []Oracle, opts Options) (Findings, error) {
	opts.pins = new(windowed)
	out, err := Search(dump, secrets, oracles, opts)
	if err != nil {
		return out, err
	}
	for i := range out.Secrets {
		out.Secrets[i].Who = ReadsFlash // they lie there
	}
	if strongest := slices.Concat(named(out.Keys), named(out.Wraps)); !slices.Contains(strongest, KnowsRetired) {
		return out, nil
	}
	for _, who := range []Adversary{ReadsFuses, ReadsFlash} {
		var known []Secret
		var number []int
		for i, s := range secrets {
			if s.Knower() <= who {
				known, number = append(known, s), append(number, i+1)
			}
		}
		less := opts
		less.known = true
		his := searched(dump, known, oracles, less)
		out.Keys = weaker(out.Keys, his.Keys, who, number)
		out.Wraps = weaker(out.Wraps, his.Wraps, who, number)
	}
	return out, nil
}

// named gives each finding an adversary: the weakest where no secret is needed, and else the strongest,
// who has all secrets.
func named(all []Finding) (who []Adversary) {
	for i := range all {
		if all[i].Who = KnowsRetired; all[i].inFlash() {
			all[i].Who = ReadsFlash
		}
		who = append(who, all[i].Who)
	}
	return who
}

// inFlash says whether a path needs no secret at all: it goes from place to place, or has no place.
func (f *Finding) inFlash() bool {
	path := f.Path
	if last := len(path) - 1; last > 0 && !path[last].Placed {
		path = path[:last] // a key that comes again: see repeats
	}
	if len(path) == 1 && path[0].Secret == 0 && f.Oracle != "" {
		return true
	}
	return !slices.ContainsFunc(path, func(s Step) bool { return !s.Placed || s.Secret > 0 })
}

// place is the last step, and the one before it where the last is no place.
func (f *Finding) place() Path {
	last := len(f.Path) - 1
	if last > 0 && !f.Path[last].Placed {
		last--
	}
	return f.Path[last:]
}

// weaker gives findings the path of a weaker adversary who gets there, too: the same if it is one of his.
// number is, for each of his secrets, which one it is of all. A finding that another became is left out.
func weaker(all, his []Finding, who Adversary, number []int) []Finding {
	for i := range his {
		f := &his[i]
		f.Path = slices.Clone(f.Path) // a wrap and the key in it share one
		for j := range f.Path {
			if n := f.Path[j].Secret; n > 0 {
				f.Path[j].Secret = number[n-1]
			}
		}
	}
	known := map[string]bool{}
	var out []Finding
	for _, f := range all {
		alike := func(h Finding) bool {
			return h.Oracle == f.Oracle && h.Swapped == f.Swapped && slices.Equal(h.place(), f.place())
		}
		at := slices.IndexFunc(his, func(h Finding) bool { return alike(h) && slices.Equal(h.Path, f.Path) })
		if at < 0 {
			at = slices.IndexFunc(his, alike)
		}
		if at >= 0 && who < f.Who {
			f.Path, f.Who, f.Weak = his[at].Path, who, his[at].Weak
		}
		if id := f.String(); !known[id] {
			known[id] = true
			out = append(out, f)
		}
	}
	return out
}
