package tcgcases

import (
	"bytes"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
)

// Why some rows are not for Enterprise devices.
const (
	noActivate = "an Enterprise device has no Activate: its Locking SP is manufactured active (Enterprise 5.2)"
	noAdmins   = "an Enterprise device has no Admins and Users whose rights can be set"
	noMBR      = "SSC Enterprise 1.01 has no MBR shadow"
	noStore    = "the DataStore of an Enterprise device has no Get and Set by these rules"
	psidAlone  = "an Enterprise device is reverted by PSID alone (PSID feature set 1.00)"
)

func useCases() []Case {
	return []Case{
		{ID: "UCT-01", Name: "Level 0 Discovery", run: discovery},
		{ID: "UCT-02", Name: "Properties", run: properties},
		{ID: "UCT-03", Name: "Taking Ownership", run: ownership},
		{ID: "UCT-04", Name: "Activate Locking SP", Enterprise: noActivate, run: activation},
		{ID: "UCT-05", Name: "Configuring Authorities", Enterprise: noAdmins, run: authorities},
		{ID: "UCT-06", Name: "Configuring Locking Objects", run: lockingObjects},
		{ID: "UCT-07", Name: "Unlocking Ranges", run: unlocking},
		{ID: "UCT-08", Name: "Erasing Ranges", run: erasing},
		{ID: "UCT-09", Name: "Using the DataStore Table", Enterprise: noStore, run: dataStore},
		{ID: "UCT-10", Name: "Enable MBR Shadowing", Enterprise: noMBR, run: mbrEnable},
		{ID: "UCT-11", Name: "MBR Done", Enterprise: noMBR, run: mbrDone},
		{ID: "UCT-12", Name: "Revert the Locking SP using SID", Enterprise: psidAlone, run: revertLockingBySID},
		{ID: "UCT-13", Name: "Revert the Admin SP using SID, the Locking SP not activated", Enterprise: psidAlone, run: revertInactive},
		{ID: "UCT-14", Name: "Revert the Admin SP using SID, the Locking SP activated", Enterprise: psidAlone, run: revertActive},
		{ID: "UCT-15", Name: "Revert the Admin SP using Admin1, the Locking SP activated", Enterprise: psidAlone, run: revertByAdmin},
		{ID: "UCT-16", Name: "PSID Revert", run: revertByPSID},
	}
}

// discovery: Core 3.3.6, Opal 3.1.1.
func discovery(t *trial) {
	d, err := host.Discover(t.Transport)
	t.works(err, "level 0 discovery")
	last := -1
	for _, f := range d.Features {
		t.need(int(f.Code) > last, "the descriptors ascend: %04X stands behind %04X", f.Code, last)
		last = int(f.Code)
	}
	tper, ok := d.TPer()
	t.need(ok && tper.Sync && tper.Streaming, "feature TPer says Sync and Streaming")
	l, ok := d.Locking()
	t.need(ok && l.Supported && l.MediaEncryption, "feature Locking says LockingSupported and MediaEncryption")
	t.need(!l.Locked, "a device from the factory is not locked")
	if t.enterprise() {
		e, _ := d.Enterprise()
		t.need(e.ComIDs >= 2, "there are 2 ComIDs or more, and not %d", e.ComIDs)
		return
	}
	t.need(!l.Enabled, "the Locking SP of a device from the factory is not activated")
	if o, ok := d.Opal2(); ok {
		t.need(o.BaseComID >= spec.FirstDynamic && o.ComIDs >= 1, "a base ComID of 1000 or above, and one ComID or more")
		t.need(o.Admins >= 4 && o.Users >= 8, "4 Admins and 8 Users or more, and not %d and %d", o.Admins, o.Users)
	}
}

// properties: Core 5.2.2.1, Opal 4.1.1.1.
func properties(t *trial) {
	own, back := t.dev.Properties()
	value := func(list []host.Property, name string) (uint64, bool) {
		for _, p := range list {
			if p.Name == name {
				return p.Value, true
			}
		}
		return 0, false
	}
	for _, p := range []host.Property{
		{Name: "MaxComPacketSize", Value: 2048},
		{Name: "MaxPacketSize", Value: 2028},
		{Name: "MaxIndTokenSize", Value: 1992},
		{Name: "MaxPackets", Value: 1},
		{Name: "MaxSubpackets", Value: 1},
		{Name: "MaxMethods", Value: 1},
	} {
		v, ok := value(own, p.Name)
		t.need(ok && (v == 0 || v >= p.Value), "the device says %s of %d or more, and not %d", p.Name, p.Value, v)
		_, ok = value(back, p.Name)
		t.need(ok, "the device says which %s of the host it uses", p.Name)
	}
}

func ownership(t *trial) {
	t.works(t.dev.SetPIN(spec.SID, t.msid, owner), "setting the PIN of SID, with MSID")
	t.refused(t.dev.Authenticate(host.Credential{Who: spec.SID, PIN: t.msid}), "SID with MSID, behind it", spec.NotAuthorized)
	t.works(t.dev.Authenticate(host.Credential{Who: spec.SID, PIN: owner}), "SID with its new PIN")
	again, err := t.dev.MSID()
	t.works(err, "reading MSID")
	t.need(again.Equal(t.msid), "MSID stays what it was")
	if s, ok := mustDiscover(t).BlockSID(); ok {
		t.need(s.NotMSID, "discovery says that the PIN of SID is not MSID")
	}
}

func mustDiscover(t *trial) *spec.Discovery {
	d, err := host.Discover(t.Transport)
	t.works(err, "level 0 discovery")
	return d
}

func (t *trial) state() uint64 {
	s, err := t.dev.LifeCycle(spec.OpalLockingSP)
	t.works(err, "reading LifeCycleState of the Locking SP")
	return s
}

// activation: Opal 5.1.1.
func activation(t *trial) {
	t.need(t.state() == spec.ManufacturedInactive, "the Locking SP is Manufactured-Inactive")
	t.works(t.dev.SetPIN(spec.SID, t.msid, owner), "setting the PIN of SID")
	t.refused(t.dev.Activate(t.msid, host.Activation{}), "Activate with a PIN that SID does not have", spec.NotAuthorized)
	t.works(t.dev.Activate(owner, host.Activation{}), "Activate")
	t.need(t.state() == spec.Manufactured, "the Locking SP is Manufactured behind it")
	t.works(t.dev.Authenticate(t.master(0)), "Admin1 with the PIN of SID")
	l, _ := mustDiscover(t).Locking()
	t.need(l.Enabled, "discovery says LockingEnabled")
	t.works(t.dev.Activate(owner, host.Activation{}), "Activate of what is active")
}

// user makes User n with a PIN.
func (t *trial) user(n int) host.Credential {
	u := host.Credential{Who: spec.User(n), PIN: pin("user of this device")}
	t.works(t.dev.SetPINOf(u.Who, t.master(0), u.PIN), "setting the PIN of a User as Admin1")
	t.works(t.dev.SetEnabled(u.Who, t.master(0), true), "enabling a User as Admin1")
	return u
}

func authorities(t *trial) {
	t.own()
	u := host.Credential{Who: spec.User(1), PIN: pin("user of this device")}
	t.refused(t.dev.Authenticate(u), "a User that is not enabled", spec.NotAuthorized)
	u = t.user(1)
	t.works(t.dev.Authenticate(u), "the User with its PIN")
	next := pin("another one")
	t.works(t.dev.SetPINOf(spec.Admin(1), t.master(0), next), "Admin1 sets its own PIN")
	t.refused(t.dev.Authenticate(t.master(0)), "Admin1 with its old PIN", spec.NotAuthorized)
	t.works(t.dev.SetEnabled(u.Who, host.Credential{Who: spec.Admin(1), PIN: next}, false), "disabling the User")
	t.refused(t.dev.Authenticate(u), "the User, disabled again", spec.NotAuthorized)
}

func lockingObjects(t *trial) {
	t.own()
	start, length := t.place()
	s := t.session(t.dev.LockingSP(), t.master(1))
	row, err := s.Get(t.row(1), "RangeStart", "WriteLocked")
	t.works(err, "reading range 1")
	for _, c := range []host.Cell{number("RangeStart", start), number("RangeLength", length), flag("ReadLockEnabled", true), flag("WriteLockEnabled", true), flag("ReadLocked", false), flag("WriteLocked", false)} {
		v, ok := row.Value(c.Column)
		t.need(ok && v.Equal(c.Value), "%s of range 1 is what was set", c.Column)
	}
	t.works(s.Close(), "closing the session")
}

func unlocking(t *trial) {
	t.own()
	start, _ := t.place()
	by := t.master(1)
	if !t.enterprise() {
		by = t.user(1)
		both := []spec.UID{spec.Admins, by.Who}
		t.works(t.dev.Grant(1, t.master(1), host.Grants{Read: both, Write: both}), "granting range 1 to a User")
	}
	t.works(t.set(1, by, locks(true, true)...), "locking the range")
	l, _ := mustDiscover(t).Locking()
	t.need(l.Locked, "discovery says Locked")
	if t.Disk != nil {
		t.need(t.Disk.Read(start, t.fill(0)) != nil, "a sector of the locked range is not read")
	}
	t.works(t.set(1, by, locks(false, false)...), "unlocking it")
	l, _ = mustDiscover(t).Locking()
	t.need(!l.Locked, "discovery says that nothing is locked")
	if t.Disk != nil {
		t.need(t.Disk.Read(start, t.fill(0)) == nil, "a sector of the open range is read")
	}
}

func erasing(t *trial) {
	t.disk()
	t.own()
	start, _ := t.place()
	t.works(t.Disk.Write(start, t.fill(7)), "writing a sector")
	t.need(t.holds(start, 7), "the sector reads as it was written")
	if t.enterprise() {
		t.works(t.dev.Erase(1, owner), "Erase as EraseMaster")
	} else {
		t.works(t.dev.RekeyRange(1, t.master(1)), "GenKey as Admin1")
	}
	t.need(!t.holds(start, 7), "the data is gone")
}

func dataStore(t *trial) {
	t.own()
	data := []byte("what is stored")
	t.works(t.dev.WriteTable(spec.DataStoreTable, t.master(0), 0, data, nil), "writing the DataStore as Admin1")
	got := make([]byte, len(data))
	t.works(t.dev.ReadTable(spec.DataStoreTable, t.master(0), 0, got), "reading it")
	t.need(bytes.Equal(got, data), "what is read is what was written")
	u := t.user(1)
	t.refused(t.dev.ReadTable(spec.DataStoreTable, u, 0, got), "a User that has no right to it", spec.NotAuthorized)
	t.works(t.dev.GrantDataStore(1, t.master(0), host.Grants{Read: []spec.UID{spec.Admins, u.Who}, Write: []spec.UID{spec.Admins}}), "granting it")
	t.works(t.dev.ReadTable(spec.DataStoreTable, u, 0, got), "the User reads it")
	t.refused(t.dev.WriteTable(spec.DataStoreTable, u, 0, data, nil), "the User writes it", spec.NotAuthorized)
}

// shadow loads a sector into the MBR shadow and enables it.
func (t *trial) shadow() {
	t.own()
	t.works(t.dev.WriteTable(spec.MBRTable, t.master(0), 0, t.fill(9), nil), "writing the MBR shadow")
	if t.Disk != nil {
		t.works(t.Disk.Write(0, t.fill(5)), "writing sector 0")
	}
	t.works(t.dev.SetMBREnabled(t.master(0), true), "enabling the MBR shadow")
}

func mbrEnable(t *trial) {
	t.shadow()
	m, err := t.dev.MBRControl()
	t.works(err, "reading MBRControl")
	t.need(m.Enabled && !m.Done, "Enable is set, and Done is not")
	t.disk()
	t.cycle()
	t.need(t.holds(0, 9), "sector 0 reads from the MBR shadow")
	t.need(t.Disk.Write(0, t.fill(1)) != nil, "nothing is written under it")
}

func mbrDone(t *trial) {
	t.shadow()
	t.works(t.dev.SetMBRDone(t.master(0), true), "setting Done")
	l, _ := mustDiscover(t).Locking()
	t.need(l.MBREnabled && l.MBRDone, "discovery says MBREnabled and MBRDone")
	t.disk()
	t.need(t.holds(0, 5), "sector 0 reads from the disk")
	t.cycle()
	t.need(t.holds(0, 9), "behind a power cycle it is the MBR shadow's again")
}

// factory is what holds behind a revert of the whole device.
func (t *trial) factory() {
	t.reopen()
	t.works(t.dev.Authenticate(host.Credential{Who: spec.SID, PIN: t.msid}), "SID with MSID, behind the revert")
	if !t.enterprise() {
		t.need(t.state() == spec.ManufacturedInactive, "the Locking SP is not activated")
	}
	if t.Disk != nil {
		t.need(!t.holds(3, 7), "what was written is gone")
	}
}

func (t *trial) written() {
	if t.Disk != nil {
		t.works(t.Disk.Write(3, t.fill(7)), "writing sector 3")
	}
}

func revertLockingBySID(t *trial) {
	t.own()
	t.written()
	sid := host.Credential{Who: spec.SID, PIN: owner}
	t.works(t.as(spec.AdminSP, sid, func(s *host.Session) error { _, err := s.Call(spec.OpalLockingSP, spec.Revert); return err }), "Revert on the Locking SP as SID")
	t.reopen()
	t.need(t.state() == spec.ManufacturedInactive, "the Locking SP is not activated")
	t.works(t.dev.Authenticate(sid), "SID with the PIN that it had")
	if t.Disk != nil {
		t.need(!t.holds(3, 7), "what was written is gone")
	}
}

func revertInactive(t *trial) {
	t.works(t.dev.SetPIN(spec.SID, t.msid, owner), "setting the PIN of SID")
	t.written()
	t.works(t.dev.RevertTPer(host.Credential{Who: spec.SID, PIN: owner}), "Revert on the Admin SP as SID")
	t.reopen()
	t.works(t.dev.Authenticate(host.Credential{Who: spec.SID, PIN: t.msid}), "SID with MSID, behind the revert")
}

func revertActive(t *trial) {
	t.own()
	t.written()
	t.works(t.dev.RevertTPer(host.Credential{Who: spec.SID, PIN: owner}), "Revert on the Admin SP as SID")
	t.factory()
}

func revertByAdmin(t *trial) {
	t.own()
	t.written()
	a, sid := host.Credential{Who: spec.AdminSPAdmin(1), PIN: pin("admin of this device")}, host.Credential{Who: spec.SID, PIN: owner}
	t.works(t.dev.SetPINOf(a.Who, sid, a.PIN), "setting the PIN of Admin1 of the Admin SP as SID")
	t.works(t.dev.SetEnabled(a.Who, sid, true), "enabling it")
	t.works(t.dev.RevertTPer(a), "Revert on the Admin SP as Admin1")
	t.factory()
}

func revertByPSID(t *trial) {
	t.own()
	t.written()
	wrong := pin("no PSID")
	t.refused(t.dev.Revert(wrong), "a wrong PSID", spec.NotAuthorized)
	t.works(t.dev.Revert(t.PSID), "Revert with the PSID")
	t.factory()
}
