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
// path. Where something is found, the search is made again for the weaker ones.
func SearchAs(dump drive.Dump, secrets []Secret, oracles []Oracle, opts Options) (Findings, error) {
	out, err := Search(dump, secrets, oracles, opts)
	if err != nil {
		return out, err
	}
	lists := []*[]Finding{&out.Keys, &out.Wraps, &out.Secrets}
	found := false
	for _, l := range lists {
		for i := range *l {
			f := &(*l)[i]
			if f.Who = KnowsRetired; f.inFlash() {
				f.Who = ReadsFlash
			}
			found = found || f.Who == KnowsRetired
		}
	}
	for i := range out.Secrets { // they lie in the flash
		out.Secrets[i].Who = ReadsFlash
	}
	if !found {
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
		f, err := Search(dump, known, oracles, less)
		if err != nil {
			return out, err
		}
		weaker(out.Keys, f.Keys, who, number)
		weaker(out.Wraps, f.Wraps, who, number)
	}
	return out, nil
}

// inFlash says whether a path needs no secret at all: it goes from place to place, or has no place.
func (f *Finding) inFlash() bool {
	if len(f.Path) == 1 && f.Path[0].Secret == 0 && f.Oracle != "" {
		return true
	}
	return !slices.ContainsFunc(f.Path, func(s Step) bool { return !s.Placed || s.Secret > 0 })
}

// weaker gives findings the path of a weaker adversary who gets there, too.
func weaker(all, his []Finding, who Adversary, number []int) {
	for _, f := range his {
		for i := range all {
			if all[i].Oracle != f.Oracle || all[i].Swapped != f.Swapped || all[i].Last() != f.Last() || who >= all[i].Who {
				continue
			}
			f.Path = slices.Clone(f.Path) // a wrap and the key in it share one
			for j := range f.Path {
				if n := f.Path[j].Secret; n > 0 {
					f.Path[j].Secret = number[n-1]
				}
			}
			all[i].Path, all[i].Who, all[i].Weak = f.Path, who, f.Weak
			break
		}
	}
}
