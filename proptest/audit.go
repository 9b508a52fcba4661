package proptest

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// Audit checks on copies what cannot be tried on the drive itself without changing it:
//
//   - every authority is opened by its PIN and by no other PIN of the run,
//   - after a power cycle a locked range gives nothing until its BandMaster unlocks it,
//   - then all data is there, and what was erased is not,
//   - now and then, a forensic search of the flash finds no way to a key that should be gone or
//     that needs a PIN.
//
// It does nothing where a fault left the drive in doubt, or where no flash block is left to write
// to: such a drive cannot count a try, and so opens no session.
func (m *Machine) Audit() error {
	if !m.Settled() || m.full() {
		return nil
	}
	m.audits++
	if err := m.auditCopy(); err != nil {
		return err
	}
	if m.Options.ForensicEvery > 0 && m.audits%m.Options.ForensicEvery == 0 {
		return m.AuditForensic()
	}
	return nil
}

// auditCopy acts as a host of a copy that has no try limit.
func (m *Machine) auditCopy() error {
	w := m.candidates[0].stored()
	c, err := m.Copy()
	if err != nil {
		return err
	}
	if err := c.Drive.PowerOn(); err != nil {
		return m.failf("audit: a copy does not power on: %v", err)
	}
	w.powerOn()
	if !w.trusted {
		w = w.keyless()
		w.lost = 0
	}
	var v view
	if err := observe(c.Drive, m.who, &v); err != nil {
		return m.failf("audit: a copy cannot be asked about %v", err)
	}
	if d := w.differs(&v); d != "" {
		return m.failf("audit: after a power cycle %s", d)
	}
	if !w.trusted {
		return m.auditRevert(c)
	}
	if err := m.auditData(c, w, "after a power cycle"); err != nil {
		return err
	}
	for i, a := range m.who {
		if err := m.auditPINs(c, w, i, a); err != nil {
			return err
		}
	}
	return nil
}

// auditPINs tries PINs on a copy as a thief might, and then works with the right one.
func (m *Machine) auditPINs(c *Bench, w *model, i int, a drive.Authority) error {
	right := w.slots[i].pin
	guesses := []PINRef{PINMSID, PINPSID, PINZero, right, PINFirst + PINRef(m.audits+i)%(PINLast-PINFirst+1)}
	for _, p := range guesses {
		s, err := c.Drive.Authenticate(a, c.PIN(p))
		switch code, herr := codeOf(err); {
		case herr != nil:
			return herr
		case p == right && code != ok:
			return m.failf("audit: %v is refused with its own PIN (number %d): %v", a, p, err)
		case p != right && code != drive.NotAuthorized:
			return m.failf("audit: %v with PIN number %d, which is not its own, is answered %q", a, p, answer(code))
		}
		if err != nil {
			continue
		}
		err = m.auditUnlock(c, s, w, i-2)
		s.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// auditUnlock opens a range with its session and reads it.
func (m *Machine) auditUnlock(c *Bench, s drive.Session, w *model, n int) error {
	if n < 0 || w.state == drive.SecurityDegraded || n > 0 && w.ranges[n].c.Length == 0 {
		return nil
	}
	if err := s.Unlock(); err != nil {
		return m.failf("audit: %v cannot unlock its range: %v", s.Authority(), err)
	}
	w.ranges[n].read, w.ranges[n].write, w.ranges[n].ram = false, false, true
	return m.auditData(c, w, fmt.Sprintf("after %v unlocked its range", s.Authority()))
}

// auditData reads every sector that was ever written.
func (m *Machine) auditData(c *Bench, w *model, when string) error {
	got := make([]byte, len(m.exp))
	for lba, s := range w.sectors {
		if s.content == 0 {
			continue
		}
		want := w.transfer(Command{Verb: Read, LBA: uint64(lba), Sectors: 1})
		code, err := codeOf(c.Drive.Read(uint64(lba), got))
		if err != nil {
			return err
		}
		if code != want {
			return m.failf("audit: %s a read of sector %d is answered %q, expected %q", when, lba, answer(code), answer(want))
		}
		if code != ok {
			continue
		}
		if d := w.wrongData(uint64(lba), got, m.exp); d != "" {
			return m.failf("audit: %s %s", when, d)
		}
	}
	return nil
}

// auditRevert: a drive without a record opens nothing, and the PSID reverts it.
func (m *Machine) auditRevert(c *Bench) error {
	if code, err := codeOf(c.Drive.Read(0, make([]byte, len(m.exp)))); err != nil || code != drive.Degraded {
		return m.failf("audit: without a record a read is answered %q", answer(code))
	}
	if err := c.Drive.RevertPSID(c.Label.PSID); err != nil {
		return m.failf("audit: without a record the PSID does not revert it: %v", err)
	}
	return nil
}

// AuditForensic searches the flash as a thief would who has opened the chip and knows every PIN of
// the run but the one of the range.
func (m *Machine) AuditForensic() error {
	w := m.candidates[0]
	if !m.Settled() || !w.trusted || w.state == drive.SecurityDegraded {
		return nil // old wraps are left: that is what the state says
	}
	dump := m.Drive.Dump()
	gone := m.oracles(dump, "gone", func(s sector, g *band, _ int) bool { return s.key != g.key && !w.inUse(s.key) })
	live := make([][]forensic.Oracle, len(w.ranges))
	known := gone
	for n := range w.ranges {
		live[n] = m.oracles(dump, "live", func(s sector, g *band, at int) bool { return at == n && s.key == g.key })
		known = append(known, live[n]...)
	}
	found, err := m.search(dump, m.secrets(PINEmpty), known)
	if err != nil {
		return err
	}
	m.searched++
	reached := map[string]forensic.Finding{}
	for _, f := range found.Keys {
		reached[f.Oracle] = f
	}
	for _, o := range gone {
		if f, is := reached[o.Name]; is {
			return m.failf("forensic search: a key that should be gone is in the flash: %v", f)
		}
	}
	if weak := found.Weak(); len(weak) > 0 {
		return m.failf("forensic search: a wrap opens without the secrets that it should need: %v", weak[0])
	}
	for n := range w.ranges {
		own := w.slots[2+n].pin
		for _, o := range live[n] {
			if _, is := reached[o.Name]; !is {
				return m.failf("forensic search: with every secret the key of range %d is not found, so its data is lost", n)
			}
		}
		if len(live[n]) == 0 || w.ranges[n].openAfterPower() || own == PINMSID {
			continue
		}
		found, err = m.search(dump, m.secrets(own), live[n])
		if err != nil {
			return err
		}
		if len(found.Keys) > 0 {
			return m.failf("forensic search: the key of range %d, which is locked, opens without its PIN: %v", n, found.Keys[0])
		}
	}
	return nil
}

func (w *model) inUse(key uint32) bool {
	for n := range w.ranges {
		if w.ranges[n].key == key {
			return true
		}
	}
	return false
}

// oracles are up to two written sectors that are wanted.
func (m *Machine) oracles(dump drive.Dump, what string, wanted func(s sector, g *band, n int) bool) []forensic.Oracle {
	w := m.candidates[0]
	var out []forensic.Oracle
	for lba, s := range w.sectors {
		n := w.rangeOf(uint64(lba))
		if s.content == 0 || !wanted(s, &w.ranges[n], n) || len(out) == 2 {
			continue
		}
		cipher, written := dump.Sector(uint64(lba))
		if !written {
			continue
		}
		plain := make([]byte, len(cipher))
		fill(plain, s.content, uint64(lba))
		out = append(out, forensic.Oracle{
			Name: fmt.Sprintf("%s sector %d", what, lba), SectorSize: len(cipher), LBA: uint64(lba), Plain: plain[:64], Cipher: cipher[:64],
		})
	}
	return out
}

// secrets are the root key and every PIN that was used, but one.
func (m *Machine) secrets(but PINRef) []forensic.Secret {
	f := m.Drive.Fuses()
	out := []forensic.Secret{forensic.Root(f.Root)}
	for p := PINMSID; p <= PINLast; p++ {
		if p != but && (p < PINFirst || m.used[p]) {
			out = append(out, forensic.PIN(fmt.Sprintf("PIN %d", p), m.PIN(p)))
		}
	}
	return out
}

func (m *Machine) search(dump drive.Dump, secrets []forensic.Secret, oracles []forensic.Oracle) (forensic.Findings, error) {
	found, err := forensic.Search(dump, secrets, oracles, forensic.Options{Iterations: m.Options.Config.PBKDF2Iterations})
	if err != nil {
		return found, fmt.Errorf("proptest: %w", err)
	}
	return found, nil
}
