package proptest

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// view is what anyone can see of a drive without a PIN.
type view struct {
	status  drive.Status
	trusted bool
	psid    uint16
	slots   []slotView
	ranges  []drive.RangeInfo
}

type slotView struct {
	tries  uint16
	atMSID bool
}

// authorities lists those with a slot, in the model's order.
func authorities(cfg drive.Config) []drive.Authority {
	all := []drive.Authority{drive.SID, drive.EraseMaster}
	for n := range cfg.Ranges + 1 {
		all = append(all, drive.BandMaster(n))
	}
	return all
}

// observe fills v. It reuses the slices of v.
func observe(d Drive, who []drive.Authority, v *view) error {
	v.status = d.Status()
	v.slots, v.ranges, v.trusted, v.psid = v.slots[:0], v.ranges[:0], false, 0
	if !v.status.Powered {
		return nil
	}
	var err error
	if v.psid, _, err = d.Tries(drive.PSID); err != nil {
		return fmt.Errorf("the tries of the PSID: %w", err)
	}
	for i, a := range who {
		at, err := d.AtMSID(a)
		if i == 0 && errors.Is(err, drive.Degraded) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the indicator of %v: %w", a, err)
		}
		used, _, err := d.Tries(a)
		if err != nil {
			return fmt.Errorf("the tries of %v: %w", a, err)
		}
		v.slots = append(v.slots, slotView{tries: used, atMSID: at})
	}
	v.trusted = true
	for n := range len(who) - 2 {
		r, err := d.Range(n)
		if err != nil {
			return fmt.Errorf("range %d: %w", n, err)
		}
		v.ranges = append(v.ranges, r)
	}
	return nil
}

// adopt takes over from the drive what the documents leave open: after rot, the counts and flags of
// an older note, as long as the same ranges need a PIN.
func (w *model) adopt(v *view) {
	if !v.status.Powered || v.trusted != w.trusted {
		return
	}
	if w.fresh && w.trusted {
		w.keygen, w.fresh = v.status.KeyGeneration, false
	}
	if !w.rotten || !w.trusted {
		return
	}
	w.psid = v.psid
	for i := range w.slots {
		w.slots[i].tries = v.slots[i].tries
	}
	for n := range w.ranges {
		g, r := &w.ranges[n], &v.ranges[n]
		is := *g
		is.c, is.read, is.write = r.RangeConfig, r.ReadLocked, r.WriteLocked
		if is.c.LockOnReset&drive.OnPowerCycle == 0 {
			is.keep = [2]bool{is.read, is.write}
		}
		if is.openAfterPower() == g.openAfterPower() {
			*g = is
		}
	}
	if v.status.State == drive.SecurityDegraded || w.state == drive.SecurityDegraded {
		w.state = v.status.State
		for n := range w.ranges {
			w.ranges[n].ram = w.state != drive.SecurityDegraded && w.ranges[n].openAfterPower()
		}
	}
}

// differs says in one sentence how v differs from what w expects, or "" if it does not.
func (w *model) differs(v *view) string {
	switch {
	case v.status.Powered != w.on:
		return fmt.Sprintf("powered is %v, expected %v", v.status.Powered, w.on)
	case !w.on:
		return ""
	case v.trusted != w.trusted:
		return fmt.Sprintf("a record is trusted: %v, expected %v", v.trusted, w.trusted)
	case v.status.State != w.state:
		return fmt.Sprintf("the state is %v, expected %v", v.status.State, w.state)
	case !w.trusted && v.psid != w.lost:
		return fmt.Sprintf("%d tries of the PSID without a record, expected %d", v.psid, w.lost)
	case !w.trusted:
		return ""
	case v.psid != w.psid:
		return fmt.Sprintf("%d tries of the PSID, expected %d", v.psid, w.psid)
	case v.status.KeyGeneration != w.keygen:
		return fmt.Sprintf("key generation %d, expected %d", v.status.KeyGeneration, w.keygen)
	}
	for i, s := range w.slots {
		if v.slots[i].tries != s.tries {
			return fmt.Sprintf("%d tries of %v, expected %d", v.slots[i].tries, authorities(w.cfg)[i], s.tries)
		}
		if v.slots[i].atMSID != (s.pin == PINMSID) {
			return fmt.Sprintf("%v is at MSID: %v, expected %v", authorities(w.cfg)[i], v.slots[i].atMSID, s.pin == PINMSID)
		}
	}
	locked, enabled := false, false
	for n := range w.ranges {
		g := &w.ranges[n]
		want := drive.RangeInfo{RangeConfig: g.c, ReadLocked: g.read, WriteLocked: g.write, AtMSID: w.slots[2+n].pin == PINMSID}
		if v.ranges[n] != want {
			return fmt.Sprintf("range %d is %+v, expected %+v", n, v.ranges[n], want)
		}
		enabled = enabled || g.c.ReadLockEnabled || g.c.WriteLockEnabled
		locked = locked || g.c.ReadLockEnabled && g.read || g.c.WriteLockEnabled && g.write
	}
	if v.status.Locked != locked || v.status.LockEnabled != enabled {
		return fmt.Sprintf("locked %v and lock-enabled %v, expected %v and %v", v.status.Locked, v.status.LockEnabled, locked, enabled)
	}
	return ""
}
