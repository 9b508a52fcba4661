package drive

// SelfTest reads the record in force back from flash. Where it has rotted, cannot be read, or has
// odd bytes behind it (Status.ScrubNeeded), it is written anew from RAM to a fresh block, and what
// is left of the old one is destroyed; where that fails the drive is security degraded.
//
// While a page that may be newer cannot be read, the record is written anew and nothing is
// destroyed, since a self test needs no PIN. Errors: NoPower, Degraded, HardwareFailure, PowerLost.
func (d *Drive) SelfTest() error {
	const op = "self test"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(op); err != nil {
		return err
	}
	if d.store.intact(&d.rec) && !d.store.odd {
		return nil
	}
	if !d.store.doubt() {
		// No key changes, so the key generation stays.
		next := d.rec.clone()
		return d.commit(op, "", d.state(), &next)
	}
	// With an unread page behind it the record may be the older one.
	d.rec.doubt = d.store.use[d.store.active] == unread
	if err := d.store.move(&d.rec); err != nil {
		return d.fault(op, err)
	}
	d.publish()
	return nil
}
