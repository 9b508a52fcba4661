package drive

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Area names what has a media encryption key of its own in an Opal drive.
type Area uint16

// The MBR shadow. Ranges and DataStore tables are named by RangeArea and DataStoreArea.
const (
	MBRShadow Area = 0x0100

	dataStoreArea Area = 0x0200
)

// RangeArea is range n; 0 is the global range.
func RangeArea(n int) Area { return Area(uint8(n)) }

// DataStoreArea is DataStore table n; 0 is the first.
func DataStoreArea(n int) Area { return dataStoreArea + Area(uint8(n)) }

func (a Area) String() string {
	switch {
	case a == MBRShadow:
		return "MBR shadow"
	case a >= dataStoreArea:
		return fmt.Sprintf("DataStore %d", a-dataStoreArea+1)
	}
	return fmt.Sprintf("range %d", a)
}

// area is where a record has the keys of an area, nil where there is none.
func (r *record) area(a Area) **areaKeys {
	switch n := int(a & 0xFF); {
	case a == MBRShadow:
		return &r.opal.mbr.keys
	case a>>8 == 0 && n < len(r.ranges):
		return &r.ranges[n].opal
	case a&^0xFF == dataStoreArea && n < len(r.opal.stores):
		return &r.opal.stores[n].keys
	}
	return nil
}

// pinlessKEK wraps the AK of an authority whose PIN is the empty one: it comes from the root key alone.
func pinlessKEK(root *secret.Key32) *secret.Key32 {
	return secret.Derive32(root[:], nil, "fdelab/pinless/1")
}

// wrapKey writes the wrap of a key of 32 bytes, or of a wrap of one, into dst, which is 8 bytes longer.
func wrapKey(dst []byte, kek *secret.Key32, key []byte) {
	r := borrowKeys()
	defer r.giveBack()
	r.wrap(dst, kek, key)
}

// unwrapKey opens the wrap of a key of 32 bytes, or gives ErrIntegrity.
func unwrapKey(kek *secret.Key32, wrapped []byte) (*secret.Key32, error) {
	r := borrowKeys()
	defer r.giveBack()
	b, err := r.unwrap(wrapped, kek)
	if err != nil {
		return nil, err
	}
	return secret.Take32(b), nil
}

// rewrapped opens the wrap of a wrap.
func rewrapped(kek *secret.Key32, wrapped []byte) (out [AKWrapSize]byte, err error) {
	r := borrowKeys()
	defer r.giveBack()
	b, err := r.unwrap(wrapped, kek)
	copy(out[:], b)
	return out, err
}

// newArea draws a MEK and a range key for an area that nobody but the root key opens.
func (d *Drive) newArea() (*areaKeys, *secret.Key64, error) {
	rk, err := d.newAK()
	if err != nil {
		return nil, nil, err
	}
	defer rk.Clear()
	mek, err := d.newMEK()
	if err != nil {
		return nil, nil, err
	}
	k := &areaKeys{}
	wrapMEK(&k.mek, rk, mek)
	return k.given(rootHolder, d.rootKEK, rk), mek, nil
}

// given is k with a wrap of the range key for one holder more.
func (k *areaKeys) given(h holder, kek, rk *secret.Key32) *areaKeys {
	var w [AKWrapSize]byte
	wrapKey(w[:], kek, rk[:])
	return k.with(h, &w)
}

// taken opens the range key by the wrap of a holder, or gives errNoRecord where there is none.
func (k *areaKeys) taken(h holder, kek *secret.Key32) (*secret.Key32, error) {
	if !k.has(h) {
		return nil, errNoRecord
	}
	return unwrapKey(kek, k.wraps[k.at(h)][:])
}

// rootAreaMEK unwraps the MEK of an area that the root key opens.
func (d *Drive) rootAreaMEK(k *areaKeys) (*secret.Key64, error) {
	rk, err := k.taken(rootHolder, d.rootKEK)
	if err != nil {
		return nil, err
	}
	defer rk.Clear()
	return unwrapMEK(rk, &k.mek)
}

// fitsOpal says whether a record is of this drive.
func (d *Drive) fitsOpal(r *record) bool {
	if r.opal == nil || len(r.ranges) != d.cfg.Ranges+1 || !r.opal.mbr.keys.has(rootHolder) {
		return false
	}
	for i, a := range opalAuthorities() {
		if r.slots[i].authority != a {
			return false
		}
	}
	for i := range r.ranges {
		if r.ranges[i].opal.mask == 0 {
			return false
		}
	}
	return true
}

// opalAuthorities lists who has a slot, in the order of the record.
func opalAuthorities() []Authority {
	out := []Authority{SID, AdminSPAdmin}
	for n := range Admins {
		out = append(out, Admin(n+1))
	}
	for n := range Users {
		out = append(out, User(n+1))
	}
	return out
}

// opalFactory is a record with SID at MSID, a Locking SP that is not activated, and new keys that the root
// key opens. It gives the MEKs of the ranges, to be cleared.
func (d *Drive) opalFactory(keep *areaKeys) (record, []*secret.Key64, error) {
	r := record{state: d.rec.state, ranges: make([]rangeRecord, d.cfg.Ranges+1)}
	r.opal = &opalRecord{doneOnReset: OnPowerCycle, mbr: tableRecord{size: d.cfg.MBRSize}}
	var meks []*secret.Key64
	fail := func(err error) (record, []*secret.Key64, error) {
		clearAll(meks)
		return r, nil, err
	}
	for n := range r.ranges {
		g := &r.ranges[n]
		g.cfg.LockOnReset = OnPowerCycle
		if n == 0 && keep != nil {
			g.opal = keep
			meks = append(meks, nil)
			continue
		}
		k, mek, err := d.newArea()
		if err != nil {
			return fail(err)
		}
		g.opal, meks = k, append(meks, mek)
	}
	k, mek, err := d.newArea()
	if err != nil {
		return fail(err)
	}
	mek.Clear()
	r.opal.mbr.keys = k
	for _, a := range opalAuthorities() {
		r.slots = append(r.slots, slotRecord{authority: a, opal: &opalSlot{}})
	}
	sid := r.slot(SID)
	sid.atMSID, sid.opal.enabled = true, true
	ak, err := d.newAK()
	if err != nil {
		return fail(err)
	}
	defer ak.Clear()
	if err := d.sealOpal(sid, d.fuses.MSID, ak); err != nil {
		return fail(err)
	}
	return r, meks, nil
}

func clearAll(meks []*secret.Key64) {
	for _, k := range meks {
		k.Clear()
	}
}

// sealOpal wraps ak under pin in a slot that was not shared with another record.
func (d *Drive) sealOpal(s *slotRecord, pin PIN, ak *secret.Key32) error {
	var fresh Slot
	if err := d.seal(&fresh, pin, ak); err != nil {
		return err
	}
	own := *s.opal
	own.kind, own.wrap = slotPIN, [slotWrapSize]byte{}
	copy(own.wrap[:], fresh.Wrap[:])
	s.slot.Salt, s.opal = fresh.Salt, &own
	return nil
}
