package facility

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// A thief has the whole drive: its flash, its media, the root key in its fuses and the label with
// MSID and PSID. He has no credential. He must never find a key for anything that a member of an
// encrypted rank has held, in any band.

// memberHistory is what a drive held in an encrypted rank, and its state at the last search.
type memberHistory struct {
	held     []forensic.Oracle
	searched string
}

// heldMax is how many sectors of a drive are kept: those that were written last.
const heldMax = 8

// checkThief keeps the customer data of the members of encrypted ranks and of the targets of
// their copies. It searches every drive that has held some, unless its keys, bands and data are
// those of the last search.
func (m *Machine) checkThief() error {
	encrypted := m.encryptedSlots()
	for _, d := range m.Lab.Drives() {
		if d.Serial == "" {
			continue
		}
		delete(m.neverSeated, d.Serial)
		p, err := m.Lab.Part(d.Slot)
		if err != nil {
			return m.refusal(err)
		}
		if err := m.searchAsThief(p, encrypted[d.Slot] == d.Serial); err != nil {
			return err
		}
	}
	for _, p := range m.Lab.Shelf().Parts() {
		if err := m.searchAsThief(p, false); err != nil {
			return err
		}
	}
	return nil
}

// encryptedSlots is which drive serves an encrypted rank, or is copied to: its serial, by slot.
func (m *Machine) encryptedSlots() map[string]string {
	at := map[string]string{}
	for _, r := range m.Lab.Ranks() {
		if r.KeyGroup == 0 {
			continue
		}
		for _, member := range r.Members {
			at[member.Slot] = member.Serial
			if d, err := m.Lab.Drive(member.CopyingTo); err == nil {
				at[d.Slot] = d.Serial
			}
		}
	}
	return at
}

func (m *Machine) searchAsThief(p *raslab.Part, member bool) error {
	v := m.memberHistories[p.Serial()]
	if v == nil {
		if !member {
			return nil
		}
		v = &memberHistory{}
		m.memberHistories[p.Serial()] = v
	}
	if member && !p.Dead() && p.Flash.Plan() == nil {
		v.take(p)
	}
	now := v.state(p)
	if len(v.held) == 0 || now == v.searched {
		return nil
	}
	fuses := p.Drive.Fuses()
	defer fuses.Clear()
	thief := []forensic.Secret{forensic.Root(fuses.Root), forensic.PIN("MSID", p.Label.MSID), forensic.PIN("PSID", p.Label.PSID)}
	f, err := forensic.Search(p.Drive.Dump(), thief, v.held, forensic.Options{Iterations: p.Drive.Config().PBKDF2Iterations})
	if err != nil {
		return fmt.Errorf("proptest: %w", err)
	}
	if len(f.Keys) > 0 {
		return m.failf("a thief of %s, who has no credential, reads what it held in an encrypted rank: %v", p.Serial(), f.Keys[0])
	}
	v.searched = now
	m.thiefSearches++
	return nil
}

// take keeps the customer data that can be read now, two sectors of each band. Sectors from
// sectors on are an outsider's.
func (v *memberHistory) take(p *raslab.Part) {
	if st := p.Drive.Status(); !st.Powered {
		return
	}
	dump, taken := p.Drive.Dump(), map[int]int{}
	for i := len(dump.Written) - 1; i >= 0; i-- {
		lba := dump.Written[i]
		band := bandOf(p.Drive, lba)
		cipher, ok := dump.Sector(lba)
		plain := make([]byte, sectorSize)
		if lba >= sectors || !ok || taken[band] == 2 || p.Drive.Read(lba, plain) != nil || !isTestData(plain) {
			continue
		}
		taken[band]++
		v.keep(forensic.Oracle{
			Name: fmt.Sprintf("sector %d in band %d", lba, band), SectorSize: sectorSize, LBA: lba, Plain: plain[:64], Cipher: append([]byte(nil), cipher[:64]...),
		})
	}
}

func (v *memberHistory) keep(o forensic.Oracle) {
	for _, h := range v.held {
		if string(h.Cipher) == string(o.Cipher) {
			return
		}
	}
	v.held = append(v.held, o)
	v.held = v.held[max(0, len(v.held)-heldMax):]
}

func bandOf(d raslab.Drive, lba uint64) int {
	for n := 1; n <= d.Config().Ranges; n++ {
		if r, err := d.Range(n); err == nil && r.Length > 0 && lba >= r.Start && lba-r.Start < r.Length {
			return n
		}
	}
	return 0
}

// state is all that a search depends on.
func (v *memberHistory) state(p *raslab.Part) string {
	st := p.Drive.Status()
	var b strings.Builder
	fmt.Fprint(&b, st.KeyGeneration, st.State)
	for n := 0; n <= p.Drive.Config().Ranges; n++ {
		r, err := p.Drive.Range(n)
		fmt.Fprint(&b, " ", r.RangeConfig, err == nil)
	}
	for _, h := range v.held {
		fmt.Fprint(&b, " ", h.Name)
	}
	return b.String()
}
