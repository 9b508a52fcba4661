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

// check compares facility and model after a step.
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
		// A repair takes a member out of a rank; two, where the rank holds no data yet.
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

// checkData reads two sectors of each rank, different ones after each step.
func (m *Machine) checkData() error {
	for _, info := range m.Lab.Ranks() {
		r, err := m.Lab.Rank(info.ID)
		if err != nil {
			return m.failf("rank %s is listed and cannot be opened: %v", info.ID, err)
		}
		for i := range 2 {
			if err := m.reads(info.ID, r, uint64(len(m.steps)*5+i)%sectors); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkEvents: every SRC has a cause in the fault history.
func (m *Machine) checkEvents() error {
	for _, e := range m.Lab.Events() {
		if !m.history.explained(e) {
			return m.failf("%s was raised for %v (%v), and the fault history has no cause for it in those drives: %v", e.SRC, e.Slots, e.Found, m.history.drives)
		}
	}
	return nil
}

// checkReported: a member of an encrypted rank that is in sync and not Configured is named by
// an open event after a health check.
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
				return m.failf("%s serves the encrypted rank %s and is %v, and no open event names it", d.Slot, r.ID, d.Status.State)
			}
		}
	}
	return nil
}

// memberSector is a sector of a member of an encrypted rank: its data, and the ciphertext on the
// medium.
type memberSector struct {
	lba           uint64
	plain, cipher []byte
}

// memberSectorsMax is how many sectors of a drive are kept.
const memberSectorsMax = 2

// keepMemberData keeps, before a step, sectors of the members of encrypted ranks.
func (m *Machine) keepMemberData() {
	for _, r := range m.Lab.Ranks() {
		if r.KeyGroup == 0 {
			continue
		}
		for _, member := range r.Members {
			p, err := m.Lab.Part(member.Slot)
			if err != nil || p.Serial() != member.Serial || len(m.memberData[member.Serial]) >= memberSectorsMax || member.State != "in sync" {
				continue
			}
			if st := p.Drive.Status(); !st.Powered || st.State != drive.Configured || st.Locked || p.Dead() || p.Flash.Plan() != nil {
				continue
			}
			dump := p.Drive.Dump()
			for _, lba := range dump.Written {
				plain := make([]byte, sectorSize)
				cipher, written := dump.Sector(lba)
				if !written || p.Drive.Read(lba, plain) != nil || !isTestData(plain) || len(m.memberData[member.Serial]) >= memberSectorsMax {
					continue
				}
				m.memberData[member.Serial] = append(m.memberData[member.Serial], memberSector{lba, plain, cipher})
			}
		}
	}
}

// isTestData tells data that content made from zeros and from noise.
func isTestData(plain []byte) bool {
	return bytes.Contains(plain, []byte("fdelab!!"))
}

// checkReleased: a drive that left an encrypted rank and is reported as erased gives none of the
// rank's data.
func (m *Machine) checkReleased() error {
	search := m.options.ForensicEvery > 0 && len(m.steps)%m.options.ForensicEvery == 0
	for _, d := range m.Lab.Drives() {
		held := m.memberData[d.Serial]
		if len(held) == 0 || !d.Answers || d.Rank != "" || d.Status.State != drive.Erased {
			continue
		}
		p, err := m.Lab.Part(d.Slot)
		if err != nil {
			return m.refusal(err)
		}
		if p.Flash.Plan() == nil {
			if err := m.checkErased(d, p, held); err != nil {
				return err
			}
		}
		if search {
			if err := m.searchErased(d, p, held); err != nil {
				return err
			}
			delete(m.memberData, d.Serial)
		}
	}
	return nil
}

func (m *Machine) checkErased(d raslab.DriveInfo, p *raslab.Part, held []memberSector) error {
	got := make([]byte, sectorSize)
	for _, h := range held {
		if p.Drive.Read(h.lba, got) == nil && bytes.Equal(got, h.plain) {
			return m.failf("%s left its rank and is reported as erased, and its sector %d still reads as customer data", d.Slot, h.lba)
		}
	}
	return nil
}

// searchErased searches the flash with every secret that the group has.
func (m *Machine) searchErased(d raslab.DriveInfo, p *raslab.Part, held []memberSector) error {
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
		return m.failf("%s left its rank and is reported as erased, and a forensic search finds a key: %v", d.Slot, f.Keys[0])
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
