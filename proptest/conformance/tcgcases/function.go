package tcgcases

import (
	"bytes"
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

const noReset = "SSC Enterprise 1.01 has no TPER_RESET"

func functionCases() []Case {
	return []Case{
		{ID: "SPF-01", Name: "Transaction", run: transaction},
		{ID: "SPF-02", Name: "IF-RECV Behavior", run: ifRecv},
		{ID: "SPF-03", Name: "TryLimit", run: tryLimit},
		{ID: "SPF-04", Name: "Tries Reset", run: triesReset},
		{ID: "SPF-05", Name: "Tries Reset on Power Cycle", run: triesPower},
		{ID: "SPF-06", Name: "Next", run: next},
		{ID: "SPF-07", Name: "Host Session Number", run: hostNumber},
		{ID: "SPF-08", Name: "RevertSP", Enterprise: psidAlone, run: revertSP},
		{ID: "SPF-09", Name: "Range Alignment", run: alignment},
		{ID: "SPF-10", Name: "Byte Table Access Granularity", Enterprise: noStore, run: granularity},
		{ID: "SPF-11", Name: "Stack Reset", run: stackReset},
		{ID: "SPF-12", Name: "TPer Reset", Enterprise: noReset, run: tperReset},
		{ID: "SPF-13", Name: "Authenticate", run: authenticate},
		{ID: "SPF-14", Name: "Session Abort", Never: "the list says that it is deprecated"},
		{ID: "SPF-15", Name: "Random", run: random},
		{ID: "SPF-16", Name: "CommonName", Enterprise: "an Enterprise host sets no CommonName", run: commonName},
		{ID: "SPF-17", Name: "Additional DataStore Tables", Enterprise: noStore, run: dataStores},
		{ID: "SPF-18", Name: "Range Crossing Behavior", run: rangeCrossing},
		{ID: "SPF-19", Name: "Block SID Authentication", run: blockSID},
		{ID: "SPF-20", Name: "Data Removal Mechanism", run: dataRemoval},
	}
}

func transaction(t *trial) {
	t.own()
	t.place()
	s := t.session(t.dev.LockingSP(), t.master(1))
	length := func() uint64 {
		row, err := s.Get(t.row(1), "RangeLength", "RangeLength")
		t.works(err, "reading RangeLength")
		n, _ := row.Uint("RangeLength")
		return n
	}
	was := length()
	_, step := t.grid()
	for _, e := range []struct {
		how  func() error
		want uint64
		step string
	}{{s.Rollback, was, "aborting the transaction"}, {s.Commit, was + step, "committing it"}} {
		t.works(s.Begin(), "StartTransaction")
		t.works(s.Set(t.row(1), number("RangeLength", was+step)), "Set in the transaction")
		t.works(e.how(), e.step)
		t.need(length() == e.want, "behind %s the length is %d", e.step, e.want)
	}
	t.works(s.Begin(), "StartTransaction")
	t.works(s.Set(t.row(1), number("RangeLength", was)), "Set in the transaction")
	t.works(s.Close(), "closing the session with a transaction open")
	s = t.session(t.dev.LockingSP(), t.master(1))
	t.need(length() == was+step, "what was not committed does not count")
}

// ifRecv: Core 3.3.10, Opal 3.2.1: an answer of nothing is empty, and one that does not fit waits.
func ifRecv(t *trial) {
	t.need(t.quiet(), "with nothing to answer a ComPacket of length 0 comes, with no data outstanding")
	t.works(t.sends(0, 0, t.propertiesCall()), "sending Properties")
	for range polls {
		b, err := t.Transport.Receive(transport.ProtocolTCG, t.dev.ComID(), token.ComPacketHeader)
		t.works(err, "IF-RECV of the header alone")
		c, err := token.ParseComPacket(b)
		t.need(err == nil && len(c.Packets) == 0 && c.Outstanding > 0, "it says that data is outstanding")
		if c.MinTransfer > token.ComPacketHeader {
			t.need(len(t.answer()) > 0, "the answer comes with a transfer that is large enough")
			return
		}
		t.wait()
	}
	t.end(Failed, "no answer comes")
}

// guess proves a wrong PIN of an authority.
func (t *trial) guess(who spec.UID) error {
	return t.dev.Authenticate(host.Credential{Who: who, PIN: pin("wrong")})
}

// guessed is whose PIN is tried: a User's, or a BandMaster's.
func (t *trial) guessed() host.Credential {
	t.own()
	if t.enterprise() {
		return t.master(0)
	}
	return t.user(1)
}

// mostGuesses is how many wrong PINs a row tries at most.
const mostGuesses = 64

func tryLimit(t *trial) {
	c := t.guessed()
	for range mostGuesses {
		err := t.guess(c.Who)
		if errors.Is(err, spec.AuthorityLockedOut) {
			t.refused(t.dev.Authenticate(c), "the right PIN behind the limit", spec.AuthorityLockedOut, spec.NotAuthorized)
			return
		}
		t.refused(err, "a wrong PIN", spec.NotAuthorized)
	}
	t.end(NotApplicable, "no limit was met in %d tries: TryLimit may be 0", mostGuesses)
}

// tries reads columns TryLimit to Persistence of an authority's row of C_PIN.
func (t *trial) tries(who spec.UID) (tries uint64, persistent bool) {
	by := t.master(0)
	row := spec.CPINTable | who&0xFFFFFFFF
	t.works(t.as(t.dev.LockingSP(), by, func(s *host.Session) error {
		r, err := s.Get(row, "TryLimit", "Persistence")
		if err != nil {
			return err
		}
		var ok bool
		if tries, ok = r.Uint("Tries"); !ok {
			t.end(NotJudged, "the device does not tell Tries to this host")
		}
		persistent, _ = r.Bool("Persistence")
		return nil
	}), "reading C_PIN")
	return tries, persistent
}

func triesReset(t *trial) {
	c := t.guessed()
	t.refused(t.guess(c.Who), "a wrong PIN", spec.NotAuthorized)
	if !t.enterprise() { // there the right PIN comes first, to read with
		n, _ := t.tries(c.Who)
		t.need(n == 1, "Tries is 1 behind a wrong PIN, and not %d", n)
	}
	t.works(t.dev.Authenticate(c), "the right PIN")
	n, _ := t.tries(c.Who)
	t.need(n == 0, "Tries is 0 behind the right PIN, and not %d", n)
}

func triesPower(t *trial) {
	if t.enterprise() {
		t.end(NotApplicable, "who reads Tries of a BandMaster has proved its PIN, which sets Tries to 0")
	}
	c := t.guessed()
	t.refused(t.guess(c.Who), "a wrong PIN", spec.NotAuthorized)
	_, persistent := t.tries(c.Who)
	t.cycle()
	n, _ := t.tries(c.Who)
	t.need(persistent == (n == 1), "with Persistence %v a power cycle leaves Tries at %d", persistent, n)
}

func next(t *trial) {
	t.own()
	i, err := t.dev.LockingInfo()
	t.works(err, "reading LockingInfo")
	s := t.session(t.dev.LockingSP(), host.Credential{})
	all, err := s.Next(spec.LockingTable, spec.Null, 0)
	t.works(err, "Next on Locking")
	t.need(len(all) == i.MaxRanges+1, "it gives %d rows, and not %d", i.MaxRanges+1, len(all))
	two, err := s.Next(spec.LockingTable, spec.Null, 1)
	t.works(err, "Next with a count of 1")
	t.need(len(two) == 1 && two[0] == all[0], "a count of 1 gives the first row")
	rest, err := s.Next(spec.LockingTable, all[0], 0)
	t.works(err, "Next behind the first row")
	t.need(len(rest) == len(all)-1 && (len(rest) == 0 || rest[0] == all[1]), "it gives the rows behind it")
}

func hostNumber(t *trial) {
	one := t.session(spec.AdminSP, host.Credential{})
	tsn, hsn := one.Numbers()
	t.works(one.Close(), "closing a session")
	two := t.session(spec.AdminSP, host.Credential{})
	tsn2, hsn2 := two.Numbers()
	t.need(hsn != hsn2, "each session has the number that the host gave it: %d and %d", hsn, hsn2)
	t.need(tsn != 0 && tsn2 != 0, "the device gives it a number that is not 0")
	t.works(two.Close(), "closing the other one")
}

func revertSP(t *trial) {
	t.own()
	t.written()
	t.works(t.dev.RevertLocking(t.master(0), true), "RevertSP with KeepGlobalRangeKey as Admin1")
	t.reopen()
	t.need(t.state() == spec.ManufacturedInactive, "the Locking SP is not activated")
	t.works(t.dev.Authenticate(host.Credential{Who: spec.SID, PIN: owner}), "SID with the PIN that it had")
	if t.Disk != nil {
		t.need(t.holds(3, 7), "the data of the global range is there")
	}
	t.works(t.dev.Activate(owner, host.Activation{}), "Activate")
	t.works(t.dev.RevertLocking(t.master(0), false), "RevertSP as Admin1")
	if t.Disk != nil {
		t.need(!t.holds(3, 7), "without KeepGlobalRangeKey it is gone")
	}
}

func alignment(t *trial) {
	g, ok := t.dev.Discovery().Geometry()
	if !ok || !g.Align || g.AlignmentGranularity < 2 {
		t.end(NotApplicable, "the device asks for no alignment")
	}
	t.own()
	start, length := t.grid()
	t.refused(t.set(1, t.master(1), number("RangeStart", start+1), number("RangeLength", length)), "a start off the grid", spec.InvalidParameter)
	t.refused(t.set(1, t.master(1), number("RangeStart", start), number("RangeLength", length-1)), "a length off the grid", spec.InvalidParameter)
	t.works(t.set(1, t.master(1), number("RangeStart", start), number("RangeLength", length)), "a range on the grid")
}

func granularity(t *trial) {
	t.own()
	s := t.session(t.dev.LockingSP(), host.Credential{})
	row, err := s.Get(spec.DataStoreTable.TableRow(), "MandatoryWriteGranularity", "RecommendedAccessGranularity")
	t.works(err, "reading row Table of the DataStore")
	t.works(s.Close(), "closing the session")
	g, ok := row.Uint("MandatoryWriteGranularity")
	r, isUint := row.Uint("RecommendedAccessGranularity")
	t.need(ok && isUint && g >= 1 && g <= r, "1 <= MandatoryWriteGranularity <= RecommendedAccessGranularity")
	if g == 1 {
		t.works(t.dev.WriteTable(spec.DataStoreTable, t.master(0), 3, []byte{1}, nil), "writing one byte anywhere")
		return
	}
	t.refused(t.dev.WriteTable(spec.DataStoreTable, t.master(0), 1, make([]byte, g), nil), "a start off the granularity", spec.InvalidParameter)
	t.refused(t.dev.WriteTable(spec.DataStoreTable, t.master(0), 0, make([]byte, g-1), nil), "a length off it", spec.InvalidParameter)
}

// gone says whether a session is over.
func (t *trial) gone(s *host.Session) bool {
	_, err := s.Random(1)
	var closed *host.ClosedError
	return errors.As(err, &closed)
}

func stackReset(t *trial) {
	s := t.session(spec.AdminSP, host.Credential{})
	t.works(t.dev.Recover(), "STACK_RESET")
	t.need(t.gone(s), "it ends every session of the ComID")
}

func tperReset(t *trial) {
	t.own()
	t.need(t.dev.ResetTPer() != nil, "TPER_RESET is refused where ProgrammaticResetEnable is not set")
	t.works(t.dev.AllowTPerReset(owner, true), "setting ProgrammaticResetEnable as SID")
	resets := token.L(token.U(spec.PowerCycle), token.U(spec.ProgrammaticReset))
	t.works(t.set(0, t.master(0), flag("ReadLockEnabled", true), flag("WriteLockEnabled", true), host.Cell{Column: "LockOnReset", Value: resets}), "setting LockOnReset")
	s := t.session(spec.AdminSP, host.Credential{})
	t.works(t.dev.ResetTPer(), "TPER_RESET")
	t.need(t.gone(s), "it ends every session")
	l, _ := mustDiscover(t).Locking()
	t.need(l.Locked, "it locks the range")
}

func authenticate(t *trial) {
	t.own()
	s := t.session(t.dev.LockingSP(), host.Credential{})
	c := t.master(0)
	t.refused(s.Authenticate(c.Who, pin("wrong")), "a wrong PIN", spec.NotAuthorized)
	t.refused(s.Set(t.row(0), flag("ReadLockEnabled", true)), "Set without a proof", spec.NotAuthorized)
	t.works(s.Authenticate(c.Who, c.PIN), "the right PIN")
	t.works(s.Set(t.row(0), flag("ReadLockEnabled", true)), "Set behind it")
	t.works(s.Close(), "closing the session")
}

func random(t *trial) {
	s := t.session(spec.AdminSP, host.Credential{})
	one, err := s.Random(32)
	t.works(err, "Random of 32 bytes")
	two, err := s.Random(32)
	t.works(err, "Random of 32 bytes")
	t.need(!bytes.Equal(one, two), "two answers differ")
}

func commonName(t *trial) {
	t.own()
	s := t.session(t.dev.LockingSP(), t.master(0))
	for _, u := range []spec.UID{spec.Range(0), spec.User(1)} {
		t.works(s.Set(u, host.Cell{Column: "CommonName", Value: token.S("a name")}), "setting CommonName as Admin1")
		row, err := s.Get(u, "CommonName", "CommonName")
		t.works(err, "reading it")
		name, _ := row.Text("CommonName")
		t.need(name == "a name", "CommonName is what was set")
	}
	t.works(s.Close(), "closing the session")
}

func dataStores(t *trial) {
	f, ok := t.dev.Discovery().DataStoreTables()
	if !ok || f.Tables < 2 {
		t.end(NotApplicable, "discovery claims one DataStore table")
	}
	t.works(t.dev.SetPIN(spec.SID, t.msid, owner), "setting the PIN of SID")
	half := uint64(f.Size) / 2 / uint64(max(f.Alignment, 1)) * uint64(max(f.Alignment, 1))
	t.works(t.dev.Activate(owner, host.Activation{DataStores: []uint64{half, half}}), "Activate with two tables")
	for n := 1; n <= 2; n++ {
		size, err := t.dev.TableSize(spec.DataStore(n))
		t.works(err, "reading the size of a table")
		t.need(size == half, "the table has %d bytes, and not %d", half, size)
		t.works(t.dev.WriteTable(spec.DataStore(n), t.master(0), 0, []byte{byte(n)}, nil), "writing the table")
	}
	got := []byte{0}
	t.works(t.dev.ReadTable(spec.DataStore(1), t.master(0), 0, got), "reading the first one")
	t.need(got[0] == 1, "each has its own bytes")
}

func rangeCrossing(t *trial) {
	t.disk()
	t.own()
	start, _ := t.place()
	crosses := func() error { return t.Disk.Write(start-1, append(t.fill(1), t.fill(2)...)) }
	refuses := false
	if o, ok := t.dev.Discovery().Opal2(); ok {
		refuses = o.RangeCrossing
	} else if e, ok := t.dev.Discovery().Enterprise(); ok {
		refuses = e.RangeCrossing
	}
	err := crosses()
	t.need(refuses == (err != nil), "with RangeCrossing %v a write over the edge of an open range is refused: %v", refuses, refuses)
	t.works(t.set(1, t.master(1), locks(true, true)...), "locking the range")
	t.works(t.Disk.Write(start-1, t.fill(3)), "writing in front of the range")
	t.need(crosses() != nil, "a write over the edge of a locked range is refused")
	t.need(t.holds(start-1, 3), "and nothing of it is written")
}

func blockSID(t *trial) {
	if _, ok := t.dev.Discovery().BlockSID(); !ok {
		t.end(NotApplicable, "discovery claims no Block SID")
	}
	t.works(t.dev.BlockSID(false), "Block SID")
	s, _ := mustDiscover(t).BlockSID()
	t.need(s.Blocked, "discovery says that SID is blocked")
	sid := host.Credential{Who: spec.SID, PIN: t.msid}
	t.refused(t.dev.Authenticate(sid), "SID with its PIN, while it is blocked", spec.NotAuthorized)
	t.need(t.dev.BlockSID(false) != nil, "Block SID is refused where SID is blocked already")
	t.cycle()
	t.works(t.dev.Authenticate(sid), "SID with its PIN behind a power cycle")
	t.works(t.dev.SetPIN(spec.SID, t.msid, owner), "setting the PIN of SID")
	t.works(t.dev.BlockSID(false), "Block SID where the PIN is not MSID")
	t.works(t.dev.Authenticate(host.Credential{Who: spec.SID, PIN: owner}), "SID, which is not blocked by it")
}

// removal are the data removal mechanisms of the device, bit n for mechanism n. It ends the row where the device
// claims none.
func (t *trial) removal() uint8 {
	r, ok := t.dev.Discovery().DataRemoval()
	if !ok {
		t.end(NotApplicable, "discovery claims no data removal mechanism")
	}
	t.need(r.Supported>>spec.DataRemovalCrypto&1 == 1, "cryptographic erase is among the mechanisms")
	return r.Supported
}

// mechanism sets ActiveDataRemovalMechanism as SID.
func (t *trial) mechanism(n uint64) error {
	return t.as(spec.AdminSP, host.Credential{Who: spec.SID, PIN: owner}, func(s *host.Session) error {
		return s.Set(spec.DataRemovalRow, number("ActiveDataRemovalMechanism", n))
	})
}

func dataRemoval(t *trial) {
	supported := t.removal()
	t.own()
	for n := range uint64(8) {
		if supported>>n&1 == 0 {
			continue
		}
		t.works(t.mechanism(n), "setting a mechanism that is supported")
		s := t.session(spec.AdminSP, host.Credential{})
		row, err := s.Get(spec.DataRemovalRow, "ActiveDataRemovalMechanism", "ActiveDataRemovalMechanism")
		t.works(err, "reading it")
		got, _ := row.Uint("ActiveDataRemovalMechanism")
		t.need(got == n, "it is the mechanism %d that was set", n)
		t.works(s.Close(), "closing the session")
	}
}
