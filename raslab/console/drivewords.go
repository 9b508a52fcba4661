package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// driveName is a serial with its place.
func driveName(part *raslab.Part, slot string) string {
	if slot == "" {
		return quotedEnds(part.Serial()) + " (on the shelf)"
	}
	return quotedEnds(part.Serial()) + " (" + slot + ")"
}

// able gives what only some drives have, or says in one line that this one has it not.
func able[T any](p *raslab.Part, name, what string) (T, error) {
	d, ok := p.Drive.(T)
	if !ok {
		return d, fmt.Errorf("%s has no %s: it is a drive of another make", name, what)
	}
	return d, nil
}

// quotedEnds puts a serial number with blanks at its ends, which nobody would see, in quotes.
func quotedEnds(serial string) string {
	if strings.TrimSpace(serial) != serial {
		return forceQuote(serial)
	}
	return serial
}

func statusWords(st drive.Status) string {
	if !st.Powered {
		return "no power"
	}
	words := []string{st.State.String()}
	switch {
	case st.Locked:
		words = append(words, "locked")
	case st.LockEnabled:
		words = append(words, "unlocked until power is lost")
	default:
		words = append(words, "not lock-enabled")
	}
	words = append(words, fmt.Sprintf("key record generation %d", st.KeyGeneration))
	if st.ScrubNeeded {
		words = append(words, "its flash page needs a self test")
	}
	return strings.Join(words, ", ")
}

// triesWords says how many wrong PINs each authority has had.
func triesWords(d raslab.Drive) string {
	var words []string
	who := []drive.Authority{drive.SID, drive.BandMaster(0), drive.EraseMaster}
	for n := 1; n <= d.Config().Ranges; n++ {
		who = append(who, drive.BandMaster(n))
	}
	for i, who := range who {
		used, limit, err := d.Tries(who)
		if err != nil || i > 2 && used == 0 {
			continue
		}
		word := fmt.Sprintf("%s %d of %d", who, used, limit)
		if limit == 0 {
			word = fmt.Sprintf("%s %d, no limit", who, used)
		} else if used >= limit {
			word += " (locked out)"
		}
		words = append(words, word)
	}
	return strings.Join(words, "; ")
}

// part finds a physical drive by slot, or by serial number in a slot or on the shelf. A serial
// number that matches as typed comes before one that matches in another case. The slot is empty for
// a loose drive. A serial number that several drives have is refused.
func (s *Session) part(name string) (part *raslab.Part, slot string, err error) {
	var all []string
	if s.lab != nil {
		drives := s.lab.Drives()
		for _, d := range drives {
			if strings.EqualFold(d.Slot, name) {
				part, err = s.lab.Part(d.Slot)
				return part, d.Slot, err
			}
		}
		for _, same := range []func(string) bool{func(o string) bool { return o == name }, func(o string) bool { return strings.EqualFold(o, name) }} {
			for _, d := range drives {
				if d.Serial != "" && same(d.Serial) {
					all, slot = append(all, d.Slot), d.Slot
				}
			}
			if len(all) > 0 {
				break
			}
		}
	}
	loose := s.shelf.Parts()
	loose = slices.DeleteFunc(loose, func(p *raslab.Part) bool { return p.Serial() != name })
	for i, p := range loose {
		all = append(all, quote(fmt.Sprintf("%s#%d", p.Serial(), i+1)))
	}
	if part = s.shelf.Find(name); part != nil && len(all) == len(loose) {
		return part, "", nil
	}
	switch len(all) {
	case 0:
		names := anyDrives(s)
		return nil, "", fmt.Errorf("no drive %s: %s", quotedEnds(name), suggest.Guess(name, names, "drive list and shelf list show what there is"))
	case 1:
		part, err = s.lab.Part(slot)
		return part, slot, err
	}
	return nil, "", fmt.Errorf("%d drives have the serial number %s: name the one that is meant: %s", len(all), quotedEnds(name), strings.Join(all, ", "))
}
