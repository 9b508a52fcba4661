package raslab

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// When media errors speak against a drive (assumptions; the real thresholds are
// not published).
const (
	mediaErrorsPredict = 3  // smart rebuild is due
	mediaErrorsFail    = 10 // the drive is failed
)

// A rank is RAID 5 over one-sector strips. Row i takes sector i of every member; its parity is on
// member i mod n, the data follow from there. A row exists once it is written. A row that was never
// written is not stored or rebuilt, and reads as zeros (thin; assumption).
//
// Each row keeps a check sum of every strip, as the protection information of a
// storage controller does (T10 DIF; the form is an assumption). So a member
// that answers noise with no error (it was crypto-erased behind the facility's
// back) is found out.
type row struct {
	sums [drivesPerSite]uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// member is one position of a rank.
type member struct {
	slot   *slot
	serial string // of the drive that holds this position's data
	// identity is what that drive proved when it took the position.
	identity drive.Identity
	state    memberState
	why      string // why it does not serve; "" when in sync
	job      *copyJob
	lacks    map[uint64]lack // rows whose strip its drive does not have; see redundancy.go
	givenUp  bool            // a repair found that its drive does not come back
	waits    bool            // a rebuild is tried again within the hour
	told     string          // why it was not rebuilt, as it was logged last
}

type memberState uint8

const (
	inSync       memberState = iota // serves reads and writes
	inaccessible                    // there, and refuses I/O: locked or security degraded
	failedMember                    // does not answer, or its media are worn out
)

func (s memberState) String() string {
	return [...]string{"in sync", "inaccessible", "failed"}[s]
}

func (r *Rank) dataStrips() int { return len(r.members) - 1 }

func (r *Rank) capacity() uint64 { return r.lab.options.Sectors * uint64(r.dataStrips()) }

// place maps a host sector to its row and member.
func (r *Rank) place(lba uint64) (rowNumber uint64, position int) {
	k := uint64(r.dataStrips())
	rowNumber = lba / k
	return rowNumber, (r.parityOf(rowNumber) + 1 + int(lba%k)) % len(r.members)
}

func (r *Rank) parityOf(rowNumber uint64) int { return int(rowNumber % uint64(len(r.members))) }

// Write writes whole sectors from lba on. After nil the data are readable until two members are
// gone. Errors: ErrInvalid, ErrNoAccess, ErrDataLost. After ErrNoAccess and ErrDataLost the sectors
// before the failing one are written. A row that lost a part is good again when all of it is
// written at once.
func (r *Rank) Write(lba uint64, data []byte) (bad error) {
	defer r.lab.unwound("rank write", &bad)
	return r.write(lba, data)
}

// write is Write as a part of another operation, which ends with it when the power goes.
func (r *Rank) write(lba uint64, data []byte) error {
	if err := r.checkIO("rank write", lba, len(data)); err != nil {
		return err
	}
	size, k := r.lab.options.SectorSize, r.dataStrips()
	for i := 0; i < len(data); {
		if n, whole := lba/uint64(k), lba%uint64(k) == 0 && len(data)-i >= k*size; whole && r.rows[n] != nil && r.lackers(n) > 1 {
			if err := r.writeRow(n, data[i:i+k*size]); err != nil {
				return err
			}
			i, lba = i+k*size, lba+uint64(k)
			continue
		}
		if err := r.writeSector(lba, data[i:i+size]); err != nil {
			return err
		}
		i, lba = i+size, lba+1
	}
	return nil
}

// Read reads whole sectors from lba on; a sector that was never written reads
// as zeros. A strip that a member cannot give is rebuilt from the others.
// Errors as Write.
func (r *Rank) Read(lba uint64, dst []byte) (bad error) {
	defer r.lab.unwound("rank read", &bad)
	return r.read(lba, dst)
}

// read is Read as a part of another operation.
func (r *Rank) read(lba uint64, dst []byte) error {
	if err := r.checkIO("rank read", lba, len(dst)); err != nil {
		return err
	}
	size := r.lab.options.SectorSize
	for i := 0; i < len(dst); i += size {
		n, position := r.place(lba)
		w := r.rows[n]
		if w == nil {
			clear(dst[i : i+size])
		} else if err := r.strip(n, w, position, dst[i:i+size]); err != nil {
			return err
		}
		lba++
	}
	return nil
}

func (r *Rank) checkIO(op string, lba uint64, length int) error {
	size := r.lab.options.SectorSize
	switch {
	case r.removed:
		return refuse(ErrNotFound, op, r.name()+" was removed", "")
	case length == 0 || length%size != 0:
		return refuse(ErrInvalid, op, fmt.Sprintf("%d bytes", length), fmt.Sprintf("whole sectors of %d bytes are right", size))
	case lba >= r.capacity() || uint64(length/size) > r.capacity()-lba:
		return refuse(ErrInvalid, op, fmt.Sprintf("sector %d and %d more", lba, length/size-1), fmt.Sprintf("%s has %d sectors", r.name(), r.capacity()))
	case !r.lab.sfi.dataAccess(r):
		return fmt.Errorf("raslab: %s: %s: %w", op, r.noAccessWhy(), ErrNoAccess)
	}
	r.lab.destage()
	return nil
}

// strip gives the content of one strip, from its member or from the others.
func (r *Rank) strip(n uint64, w *row, position int, dst []byte) error {
	if r.readMember(n, w, position, dst) {
		return nil
	}
	if err := r.reconstruct(n, w, position, dst); err != nil {
		return err
	}
	// A single bad sector of a member that serves is written anew: the drive
	// puts it elsewhere.
	if r.members[position].state == inSync {
		r.writeMember(n, position, dst)
	}
	return nil
}

// reconstruct computes a strip as the XOR of all others of its row.
func (r *Rank) reconstruct(n uint64, w *row, position int, dst []byte) error {
	buf := r.lab.sector()
	defer r.lab.hostIO.release(buf)
	clear(dst)
	for i := range r.members {
		if i == position {
			continue
		}
		if !r.readMember(n, w, i, buf) {
			return r.unreadable(n, position, i)
		}
		xor(dst, buf)
	}
	if crc32.Checksum(dst, castagnoli) != w.sums[position] {
		return r.unreadable(n, position, position)
	}
	return nil
}

// unreadable is the error for a row with two strips that nobody can give.
func (r *Rank) unreadable(n uint64, a, b int) error {
	out, failed := r.missing()
	switch {
	case out == 1 && failed == 0:
		return fmt.Errorf("raslab: %s: row %d is not on every member, and a member does not serve: %s: %w", r.name(), n, r.gone(), ErrNoAccess)
	case out < 2:
		return fmt.Errorf("raslab: %s: row %d cannot be read on %s and %s: %w",
			r.name(), n, r.members[a].slot.name, r.members[b].slot.name, ErrDataLost)
	case failed >= 2:
		return fmt.Errorf("raslab: %s: members are gone: %s: %w", r.name(), r.gone(), ErrDataLost)
	}
	return fmt.Errorf("raslab: %s: members do not serve: %s: %w", r.name(), r.gone(), ErrNoAccess)
}

// writeSector replaces one strip and the parity of its row.
func (r *Rank) writeSector(lba uint64, data []byte) error {
	n, position := r.place(lba)
	parity := r.parityOf(n)
	w := r.rows[n]
	if w == nil {
		return r.newRow(n, position, data)
	}
	if out, _ := r.missing(); out > 1 {
		return r.unreadable(n, position, parity)
	}
	old, oldSum, sum := r.lab.sector(), r.lab.sector(), r.lab.sector()
	defer r.lab.hostIO.release(old)
	defer r.lab.hostIO.release(oldSum)
	defer r.lab.hostIO.release(sum)
	if err := r.strip(n, w, position, old); err != nil {
		return err
	}
	if err := r.strip(n, w, parity, oldSum); err != nil {
		return err
	}
	copy(sum, oldSum)
	xor(sum, old)
	xor(sum, data)
	before := *w
	r.lab.holds(r, n, func(i int) []byte { return map[int][]byte{position: data, parity: sum}[i] })
	w.sums[position] = crc32.Checksum(data, castagnoli)
	w.sums[parity] = crc32.Checksum(sum, castagnoli)
	had := [2]bool{r.members[position].lacks[n] != missed, r.members[parity].lacks[n] != missed}
	done := [2]bool{r.store(n, position, data), r.store(n, parity, sum)}
	if bad := r.lackers(n); bad > 1 {
		r.lab.holds(r, n, func(i int) []byte { return map[int][]byte{position: old, parity: oldSum}[i] })
		*w = before
		r.takeBack(n, position, old, had[0], done[0])
		r.takeBack(n, parity, oldSum, had[1], done[1])
		r.lab.hostIO.nvs = nil
		return r.notKept(n, bad)
	}
	r.lab.hostIO.nvs = nil
	return nil
}

// writeRow writes all of a row and reads nothing, because not all of the row is readable.
func (r *Rank) writeRow(n uint64, data []byte) error {
	if out, _ := r.missing(); out > 1 {
		return r.unreadable(n, 0, 0)
	}
	sum, size := r.lab.sector(), r.lab.options.SectorSize
	defer r.lab.hostIO.release(sum)
	clear(sum)
	w, parity := r.rows[n], r.parityOf(n)
	for i := range r.dataStrips() {
		xor(sum, data[i*size:][:size])
	}
	r.lab.holds(r, n, func(position int) []byte {
		if position == parity {
			return sum
		}
		return data[(position-parity-1+len(r.members))%len(r.members)*size:][:size]
	})
	for i := range r.dataStrips() {
		position, strip := (parity+1+i)%len(r.members), data[i*size:][:size]
		w.sums[position] = crc32.Checksum(strip, castagnoli)
		r.store(n, position, strip)
	}
	w.sums[parity] = crc32.Checksum(sum, castagnoli)
	r.store(n, parity, sum)
	r.lab.hostIO.nvs = nil
	if bad := r.lackers(n); bad > 1 {
		return r.notKept(n, bad)
	}
	return nil
}

// takeBack restores the old strip of a write that was not acknowledged, so that the row's old data
// stay readable. A member that did not take the new strip still has its old one, if it had it.
func (r *Rank) takeBack(n uint64, position int, old []byte, had, done bool) {
	if !r.store(n, position, old) && had && !done {
		r.members[position].has(n)
	}
}

// newRow writes every strip of a row for the first time; the other strips are zeros. A row that
// could not be written does not exist.
func (r *Rank) newRow(n uint64, position int, data []byte) error {
	if out, _ := r.missing(); out > 1 {
		return r.unreadable(n, position, r.parityOf(n))
	}
	zero := r.lab.sector()
	defer r.lab.hostIO.release(zero)
	clear(zero)
	w := &row{}
	content := func(i int) []byte {
		if i == position || i == r.parityOf(n) {
			return data // the parity of one strip and zeros is the strip
		}
		return zero
	}
	for i := range r.members {
		w.sums[i] = crc32.Checksum(content(i), castagnoli)
	}
	r.lab.holds(r, n, content)
	r.rows[n] = w
	at, _ := slices.BinarySearch(r.order, n)
	r.order = slices.Insert(r.order, at, n)
	for i := range r.members {
		r.store(n, i, content(i))
	}
	bad := r.lackers(n)
	r.lab.hostIO.nvs = nil
	if bad > 1 {
		delete(r.rows, n)
		at, _ := slices.BinarySearch(r.order, n)
		r.order = slices.Delete(r.order, at, at+1)
		for _, m := range r.members {
			m.has(n)
		}
		return r.notKept(n, bad)
	}
	return nil
}

// notKept is the error for a row that was written on too few members: some
// failed on the way.
func (r *Rank) notKept(n uint64, bad int) error {
	if out, _ := r.missing(); out > 1 {
		return r.unreadable(n, 0, 0)
	}
	return fmt.Errorf("raslab: %s: row %d could not be written on %d members: %w", r.name(), n, bad, ErrDataLost)
}

// store puts a strip where it belongs: on the member if it serves, and on the drive that is being
// filled to take over if the copy is past this row. It says whether the member has the strip now. A
// member that does not has missed it.
func (r *Rank) store(n uint64, position int, data []byte) bool {
	m := r.members[position]
	ok := m.state == inSync && r.writeMember(n, position, data)
	if j := m.job; j != nil && n < j.next && j.write(n, data) && j.itself() {
		m.has(n)
		return ok
	}
	if !ok {
		m.lack(n, missed)
	}
	return ok
}

// readMember reads a strip from its member; false if the member does not serve,
// or this sector of it is bad.
func (r *Rank) readMember(n uint64, w *row, position int, dst []byte) bool {
	m := r.members[position]
	if m.state != inSync || m.lacks[n] == missed {
		return false
	}
	if err := m.slot.port.Read(n, dst); err != nil {
		r.memberError(m, err)
		if m.state == inSync {
			m.lack(n, unread)
		}
		return false
	}
	if crc32.Checksum(dst, castagnoli) != w.sums[position] {
		r.silentError(m, n)
		m.lack(n, unread)
		return false
	}
	m.has(n)
	return true
}

func (r *Rank) writeMember(n uint64, position int, data []byte) bool {
	m := r.members[position]
	if why := r.unfit(m); why != "" {
		r.setMember(m, inaccessible, why)
		return false
	}
	if err := m.slot.port.Write(n, data); err != nil {
		r.memberError(m, err)
		return false
	}
	m.has(n)
	return true
}

// unfit keeps customer data of an encrypted rank off a drive that would not protect it. A drive
// that was erased behind the facility's back is unlocked and takes every write.
func (r *Rank) unfit(m *member) string {
	return r.unproved(m.slot)
}

// silentError handles a strip that came back without an error and is not what was written.
func (r *Rank) silentError(m *member, n uint64) {
	if why := r.unfit(m); why != "" {
		r.setMember(m, inaccessible, why)
		return
	}
	r.lab.logf(r.name(), "%s returned something else than was written to sector %d", m.slot.name, n)
	r.mediaError(m)
}

// memberError judges what a member answered to host I/O.
func (r *Rank) memberError(m *member, err error) {
	switch {
	case errors.Is(err, drive.MediaFailure):
		r.mediaError(m)
	case errors.Is(err, drive.Locked), errors.Is(err, drive.Degraded):
		r.setMember(m, inaccessible, cause(err))
	default:
		r.fail(m, cause(err))
	}
}

func (r *Rank) mediaError(m *member) {
	m.slot.errors++
	switch m.slot.errors {
	case mediaErrorsPredict:
		r.lab.logf(m.slot.name, "%d media errors: a failure is predicted", m.slot.errors)
		r.lab.service.ras.predicted = append(r.lab.service.ras.predicted, m.slot)
	case mediaErrorsFail:
		r.fail(m, fmt.Sprintf("%d media errors", m.slot.errors))
	}
}

// setMember records that a member does not serve. The check sums show which strips it misses
// meanwhile.
func (r *Rank) setMember(m *member, state memberState, why string) {
	if m.state == state {
		return
	}
	m.state, m.why = state, why
	r.lab.logf(r.name(), "%s is %s: %s", m.slot.name, state, why)
	if out, failed := r.missing(); out > 1 {
		what := "inaccessible"
		if failed > 1 {
			what = "lost as long as these drives do not come back"
		}
		r.lab.logf(r.name(), "data are %s: %s", what, r.gone())
	}
}

// fail takes a member that does not work out of service; a spare takes over.
func (r *Rank) fail(m *member, why string) {
	if m.state == failedMember {
		return
	}
	if m.slot.state != Inappropriate { // the state says already what is wrong with that drive
		m.slot.setState(Failed, why)
	}
	r.setMember(m, failedMember, why)
	r.lab.health.stale = true
	if m.job != nil {
		m.job.sourceGone()
		return
	}
	r.rebuildOnSpare(m)
}

// displaced takes a member out of service because another drive was put into its slot. A spare
// takes over if nobody puts that right soon.
func (r *Rank) displaced(m *member) {
	r.setMember(m, failedMember, "its drive "+m.serial+" was taken out")
	r.lab.health.stale = true
	if m.job != nil {
		m.job.sourceGone()
		return
	}
	r.lab.clock.after(copyStep, "rebuild", displacedMembers{r.lab})
}

// displacedMembers is members that a spare takes over if nobody has put that right.
type displacedMembers struct{ lab *Lab }

func (d displacedMembers) run() { d.lab.plant.retryRebuilds() }

// cause is one clause of an error, without the prefixes of other packages.
func cause(err error) string {
	var unfit *encgroup.UnfitError
	if errors.As(err, &unfit) {
		return unfit.Error()
	}
	var st *drive.StatusError
	if errors.As(err, &st) {
		if st.Why != "" {
			return st.Code.Error() + ": " + st.Why
		}
		return st.Code.Error()
	}
	return err.Error()
}

func xor(dst, src []byte) {
	for i := range dst {
		dst[i] ^= src[i]
	}
}

// sector lends a buffer of one sector; host I/O runs often enough to reuse them.
func (l *Lab) sector() []byte {
	if n := len(l.hostIO.buffers); n > 0 {
		b := l.hostIO.buffers[n-1]
		l.hostIO.buffers = l.hostIO.buffers[:n-1]
		return b
	}
	return make([]byte, l.options.SectorSize)
}

func (h *hostIO) release(b []byte) { h.buffers = append(h.buffers, b) }
