package conformance

import "slices"

// properties are all of them, by ID.
var properties = slices.Concat(keyProperties, eraseProperties, accessProperties, lockProperties,
	powerProperties, hierarchyProperties, authorityProperties, sanitizeProperties, randomProperties, tcgProperties)

// of makes the property of a row.
func of(row int, p Property, run func(*Trial)) *Property {
	r := rows[row-1]
	p.ID, p.Name, p.Row, p.Source, p.run = r.id(), r.Property, row, r.Source, run
	return &p
}

// owned makes a world whose range n has data and a PIN of its own, and locks when power goes.
func (t *Trial) owned(n int, pin Name) *World {
	w := t.World(nil)
	w.own(n, pin)
	w.Do("write %d 2 1", w.at(n))
	return w
}

// own moves range n from MSID to a PIN, and enables its locks.
func (w *World) own(n int, pin Name) {
	if n > 0 {
		w.place(n, "msid")
	}
	if w.has(CanMigrate) && !pin.short() {
		w.Do("migrate %d msid %s", n, pin)
		return
	}
	w.Do("set-pin BandMaster%d msid %s", n, pin)
	w.lockable(n, pin, "rw", 1)
}

// place gives range n its place: eight sectors, or as many as the grid of the device has.
func (w *World) place(n int, pin Name) { w.lockable(n, pin, "--", 1) }

// lockable enables locks of range n, which is where place puts it.
func (w *World) lockable(n int, pin Name, locks string, resets int) {
	start, length := uint64(0), uint64(0)
	if n > 0 {
		start, length = w.at(n), w.grid()
	}
	w.Do("set-range %d %s %d %d %s %d", n, pin, start, length, locks, resets)
}

// grid is the length of a range in sectors, and the distance of two ranges.
func (w *World) grid() uint64 { return max(8, w.id.Granularity) }

// at is the first sector of range n, where place puts it. Range 0 has what lies before range 1.
func (w *World) at(n int) uint64 { return uint64(n) * w.grid() }

// cycle takes power away and gives it back.
func (w *World) cycle() { w.Do("power-off; power-on") }
