package facility

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// check looks at everything after a step.
func (m *Machine) check(verb string) error {
	if err := m.compareKeys(); err != nil {
		return err
	}
	if err := m.checkShape(); err != nil {
		return err
	}
	if err := m.checkData(); err != nil {
		return err
	}
	if err := m.checkEvents(); err != nil {
		return err
	}
	if verb == "health" || verb == "advance" {
		if err := m.checkReported(); err != nil {
			return err
		}
	}
	if err := m.checkThief(); err != nil {
		return err
	}
	return m.checkReleased()
}

// checkShape: model and facility agree on arrays and ranks.
func (m *Machine) checkShape() error {
	ranks, arrays := m.Lab.Ranks(), m.Lab.Arrays()
	if len(ranks) != len(m.ranks) || len(arrays) != len(m.arrays) {
		return m.failf("the facility has %d ranks and %d arrays, expected %d and %d", len(ranks), len(arrays), len(m.ranks), len(m.arrays))
	}
	for _, r := range ranks {
		model := m.ranks[r.ID]
		if model == nil || model.keygrp != r.KeyGroup {
			return m.failf("rank %s of key group %d is not expected", r.ID, r.KeyGroup)
		}
		// A repair takes a member out of a rank, and of one that holds nothing yet
		// even two.
		if len(m.history.drives) == 0 && !m.keys.locked(r.KeyGroup) && r.Rows > 0 && r.DataState != "Normal" && r.DataState != "Degraded" {
			return m.failf("rank %s has data state %s, with nothing broken in the drives, and its key is there", r.ID, r.DataState)
		}
	}
	for _, a := range arrays {
		if !m.arrays[a.ID] {
			return m.failf("array %s is not expected", a.ID)
		}
	}
	return nil
}

// checkData reads two sectors of each rank, other ones each time.
func (m *Machine) checkData() error {
	for _, info := range m.Lab.Ranks() {
		r, err := m.Lab.Rank(info.ID)
		if err != nil {
			return m.failf("rank %s is listed and cannot be had: %v", info.ID, err)
		}
		for i := range 2 {
			if err := m.reads(info.ID, r, uint64(len(m.steps)*5+i)%sectors); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkEvents: every SRC has a cause, and a facility with none is silent.
func (m *Machine) checkEvents() error {
	for _, e := range m.Lab.Events() {
		if !m.history.explained(e) {
			return m.failf("%s was raised for %v (%v), and the fault history has no cause for it in those drives: %v", e.SRC, e.Slots, e.Found, m.history.drives)
		}
	}
	return nil
}

// checkReported: after a health check a member of an encrypted rank that serves it
// and is not as its rank requires is in an open event.
func (m *Machine) checkReported() error {
	access := false
	for _, p := range m.Lab.Partitions() {
		access = access || p.DataAccess
	}
	if !access {
		return nil // a health check runs only where data are accessible
	}
	m.Lab.CheckHealth()
	reported := map[string]bool{}
	for _, e := range m.Lab.OpenEvents() {
		for _, serial := range e.Serials {
			reported[serial] = reported[serial] || e.SRC == string(src.BE3400B3) || e.SRC == string(src.BE31F004)
		}
	}
	for _, r := range m.Lab.Ranks() {
		for _, member := range r.Members {
			d, err := m.Lab.Drive(member.Slot)
			if err != nil || r.KeyGroup == 0 || d.Serial != member.Serial || !d.Answers || member.State != "in sync" {
				continue
			}
			if d.Status.State != drive.Configured && !reported[d.Serial] {
				return m.failf("%s serves the encrypted rank %s and is %v, and no event says so", d.Slot, r.ID, d.Status.State)
			}
		}
	}
	return nil
}

// relic is what a member of an encrypted rank held: a sector in the clear and as
// it lies on the medium.
type relic struct {
	lba           uint64
	plain, cipher []byte
}

// relicsMax is how many sectors of a drive are remembered.
const relicsMax = 2

// remember takes down, before a step, what the members of encrypted ranks hold.
func (m *Machine) remember() {
	for _, r := range m.Lab.Ranks() {
		if r.KeyGroup == 0 {
			continue
		}
		for _, member := range r.Members {
			p, err := m.Lab.Part(member.Slot)
			if err != nil || p.Serial() != member.Serial || len(m.relics[member.Serial]) >= relicsMax || member.State != "in sync" {
				continue
			}
			if st := p.Drive.Status(); !st.Powered || st.State != drive.Configured || st.Locked || p.Dead() || p.Flash.Plan() != nil {
				continue
			}
			dump := p.Drive.Dump()
			for _, lba := range dump.Written {
				plain := make([]byte, sectorSize)
				cipher, written := dump.Sector(lba)
				if !written || p.Drive.Read(lba, plain) != nil || !telling(plain) || len(m.relics[member.Serial]) >= relicsMax {
					continue
				}
				m.relics[member.Serial] = append(m.relics[member.Serial], relic{lba, plain, cipher})
			}
		}
	}
}

// telling: a sector of zeros, or noise that reads as data, proves nothing.
func telling(plain []byte) bool {
	return bytes.Contains(plain, []byte("fdelab!!"))
}

// checkReleased: a drive that held data of an encrypted rank and is called erased
// opens none of it.
func (m *Machine) checkReleased() error {
	search := m.options.ForensicEvery > 0 && len(m.steps)%m.options.ForensicEvery == 0
	for _, d := range m.Lab.Drives() {
		held := m.relics[d.Serial]
		if len(held) == 0 || !d.Answers || d.Rank != "" || d.Status.State != drive.Erased {
			continue
		}
		p, err := m.Lab.Part(d.Slot)
		if err != nil {
			return m.refusal(err)
		}
		if p.Flash.Plan() == nil {
			if err := m.checkGone(d, p, held); err != nil {
				return err
			}
		}
		if search {
			if err := m.searchGone(d, p, held); err != nil {
				return err
			}
			delete(m.relics, d.Serial)
		}
	}
	return nil
}

func (m *Machine) checkGone(d raslab.DriveInfo, p *raslab.Part, held []relic) error {
	got := make([]byte, sectorSize)
	for _, h := range held {
		if p.Drive.Read(h.lba, got) == nil && bytes.Equal(got, h.plain) {
			return m.failf("%s left its rank, is called erased, and sector %d still reads as customer data", d.Slot, h.lba)
		}
	}
	return nil
}

// searchGone is the thief with every secret that ever was.
func (m *Machine) searchGone(d raslab.DriveInfo, p *raslab.Part, held []relic) error {
	fuses := p.Drive.Fuses()
	secrets := []forensic.Secret{forensic.Root(fuses.Root), forensic.PIN("MSID", p.Label.MSID), forensic.PIN("PSID", p.Label.PSID)}
	for _, g := range m.Lab.Groups() {
		all, err := m.Lab.Group(g.ID).Secrets(d.Serial)
		if err != nil {
			continue // no keys in memory now
		}
		for i := range all {
			secrets = append(secrets, forensic.Key(all[i].Name, all[i].Secret))
		}
	}
	var oracles []forensic.Oracle
	for _, h := range held {
		oracles = append(oracles, forensic.Oracle{
			Name: fmt.Sprintf("sector %d", h.lba), SectorSize: sectorSize, LBA: h.lba, Plain: h.plain[:64], Cipher: h.cipher[:64],
		})
	}
	f, err := forensic.Search(p.Drive.Dump(), secrets, oracles, forensic.Options{Iterations: p.Drive.Config().PBKDF2Iterations})
	if err != nil {
		return fmt.Errorf("proptest: %w", err)
	}
	if len(f.Keys) > 0 {
		return m.failf("%s left its rank, is called erased, and a forensic search finds a key: %v", d.Slot, f.Keys[0])
	}
	return nil
}

// slots lists the slot names.
func (m *Machine) slots() []string {
	var names []string
	for _, d := range m.Lab.Drives() {
		names = append(names, d.Slot)
	}
	slices.Sort(names)
	return names
}
