package tcgcases

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

func errorCases() []Case {
	return []Case{
		{ID: "ETC-01", Name: "Native Protocol Read/Write Locked Error Responses", run: nativeLocked},
		{ID: "ETC-02", Name: "IF-SEND/IF-RECV Synchronous Protocol", run: synchronous},
		{ID: "ETC-03", Name: "Invalid IF-SEND Transfer Length", run: transferLength},
		{ID: "ETC-04", Name: "Invalid SessionID", run: sessionID},
		{ID: "ETC-05", Name: "Unexpected Token Outside of Method, Regular Session", run: tokenOutside},
		{ID: "ETC-06", Name: "Unexpected Token in Method Header, Regular Session", run: tokenHeader},
		{ID: "ETC-07", Name: "Unexpected Token Outside of Method, Control Session", run: controlOutside},
		{ID: "ETC-08", Name: "Unexpected Token in Method Parameters, Control Session", run: controlParameters},
		{ID: "ETC-09", Name: "Exceeding Transaction Limit", run: transactionLimit},
		{ID: "ETC-10", Name: "Invalid InvokingID, Get", run: invokingGet},
		{ID: "ETC-11", Name: "Invalid InvokingID, other than Get", run: invokingOther},
		{ID: "ETC-12", Name: "Authorization", run: authorization},
		{ID: "ETC-13", Name: "Malformed ComPacket Header, Regular Session", run: malformedHeader},
		{ID: "ETC-14", Name: "Exceed TPer Properties, Regular Session", run: exceedRegular},
		{ID: "ETC-15", Name: "Exceed TPer Properties, Control Session", run: exceedControl},
		{ID: "ETC-16", Name: "Overlapping Locking Ranges", run: overlapping},
		{ID: "ETC-17", Name: "Invalid Type", run: invalidType},
		{ID: "ETC-18", Name: "RevertSP, GlobalRange Locked", Enterprise: psidAlone, run: revertLocked},
		{ID: "ETC-19", Name: "Activate, ATA Security Interaction", Never: "it is about drives with ATA Security, which neither NVMe nor SAS has"},
		{ID: "ETC-20", Name: "StartSession on Inactive Locking SP", Enterprise: noActivate, run: inactive},
		{ID: "ETC-21", Name: "StartSession with Incorrect HostChallenge", run: hostChallenge},
		{ID: "ETC-22", Name: "Multiple Sessions", run: multiple},
		{ID: "ETC-23", Name: "Data Removal Mechanism, Set Unsupported Value", run: removalUnsupported},
		{ID: "ETC-24", Name: "Read Locked and Write Locked Error Responses", run: bothLocked},
	}
}

// polls is how often an answer is asked for.
const polls = 1000

func (t *trial) wait() {
	if t.Wait != nil {
		t.Wait()
	}
}

// sends sends a stream as a Packet of a session; 0 and 0 is the control session.
func (t *trial) sends(tsn, hsn uint32, stream []byte) error {
	return t.sendPacket(token.Packet{TSN: tsn, HSN: hsn, Subpackets: []token.Subpacket{{Kind: token.Data, Payload: stream}}})
}

func (t *trial) sendPacket(p token.Packet) error {
	c := token.ComPacket{ComID: t.dev.ComID(), Packets: []token.Packet{p}}
	b := c.Append(nil)
	b = append(b, make([]byte, (512-len(b)%512)%512)...)
	return t.Transport.Send(transport.ProtocolTCG, t.dev.ComID(), b)
}

// answer polls until an answer comes, and gives its Packets; none where the device says that none comes.
func (t *trial) answer() []token.Packet {
	for range polls {
		b, err := t.Transport.Receive(transport.ProtocolTCG, t.dev.ComID(), 65536)
		t.works(err, "IF-RECV")
		c, err := token.ParseComPacket(b)
		t.works(err, "reading the ComPacket")
		if len(c.Packets) > 0 || c.Outstanding == 0 {
			return c.Packets
		}
		t.wait()
	}
	return nil
}

// quiet says whether no answer is there, and none comes.
func (t *trial) quiet() bool { return len(t.answer()) == 0 }

// alive needs that the device still answers on its control session.
func (t *trial) alive() {
	t.works(t.sends(0, 0, t.propertiesCall()), "sending Properties behind it")
	t.need(!t.quiet(), "the device still answers Properties")
}

// propertiesCall is a call of Properties without parameters.
func (t *trial) propertiesCall() []byte {
	b := token.Append(nil, token.Token{Kind: token.Call})
	b = token.AppendUID(token.AppendUID(b, uint64(spec.SessionManager)), uint64(spec.Properties))
	b = token.L().Append(b)
	b = token.Append(b, token.Token{Kind: token.EndOfData})
	return token.L(token.U(0), token.U(0), token.U(0)).Append(b)
}

func nativeLocked(t *trial) {
	t.disk()
	t.own()
	start, _ := t.place()
	t.works(t.Disk.Write(start, t.fill(7)), "writing a sector")
	t.works(t.set(1, t.master(1), locks(false, true)...), "locking the range for writing")
	t.need(t.holds(start, 7), "a range that is locked for writing is read")
	t.need(t.Disk.Write(start, t.fill(8)) != nil, "and not written")
	t.works(t.set(1, t.master(1), locks(true, false)...), "locking it for reading")
	t.need(t.Disk.Read(start, t.fill(0)) != nil, "a range that is locked for reading is not read")
	t.works(t.Disk.Write(start, t.fill(8)), "but written")
	t.works(t.set(1, t.master(1), locks(false, false)...), "unlocking it")
	t.need(t.holds(start, 8), "what was written then is there, and nothing else")
}

func bothLocked(t *trial) {
	t.disk()
	t.own()
	start, _ := t.place()
	t.works(t.Disk.Write(start, t.fill(7)), "writing a sector")
	t.works(t.set(1, t.master(1), locks(true, true)...), "locking the range")
	got := t.fill(0)
	t.need(t.Disk.Read(start, got) != nil && string(got) != string(t.fill(7)), "it is not read, and no data comes")
	t.need(t.Disk.Write(start, t.fill(8)) != nil, "and not written")
	t.works(t.set(1, t.master(1), locks(false, false)...), "unlocking it")
	t.need(t.holds(start, 7), "the data is what it was")
}

func synchronous(t *trial) {
	t.works(t.sends(0, 0, t.propertiesCall()), "an IF-SEND")
	t.need(t.sends(0, 0, t.propertiesCall()) != nil, "a second IF-SEND before the answer is taken is refused")
	t.need(!t.quiet(), "the answer to the first one comes")
	t.need(t.quiet(), "and none to the second one")
	t.alive()
}

func transferLength(t *trial) {
	own, _ := t.dev.Properties()
	for _, p := range own {
		if p.Name == "MaxComPacketSize" && p.Value > 0 && p.Value < host.MaxTransfer {
			t.need(t.Transport.Send(transport.ProtocolTCG, t.dev.ComID(), make([]byte, p.Value+512)) != nil, "an IF-SEND of more than MaxComPacketSize is refused")
			t.alive()
			return
		}
	}
	t.end(NotApplicable, "the device says no MaxComPacketSize that this host reaches")
}

func sessionID(t *trial) {
	s := t.session(spec.AdminSP, host.Credential{})
	tsn, hsn := s.Numbers()
	t.works(t.sends(tsn+77, hsn, t.propertiesCall()), "an IF-SEND for a session that is not there")
	t.need(t.quiet(), "it has no answer")
	t.need(!t.gone(s), "the session that is there goes on")
}

// aborted needs that a stream ends the session that it came in, and the device goes on.
func (t *trial) aborted(stream ...token.Token) {
	s := t.session(spec.AdminSP, host.Credential{})
	tsn, hsn := s.Numbers()
	var b []byte
	for _, k := range stream {
		b = token.Append(b, k)
	}
	t.works(t.sends(tsn, hsn, b), "an IF-SEND with an unexpected token")
	t.answer() // CloseSession may be there
	t.need(t.gone(s), "the session is aborted")
	t.alive()
}

func tokenOutside(t *trial) { t.aborted(token.Token{Kind: token.EndList}) }

func tokenHeader(t *trial) {
	t.aborted(token.Token{Kind: token.Call}, token.Token{Kind: token.StartName}, token.Token{Kind: token.EndOfData})
}

func controlOutside(t *trial) {
	t.works(t.sends(0, 0, token.Append(nil, token.Token{Kind: token.EndList})), "an IF-SEND with an unexpected token")
	t.need(t.quiet(), "it has no answer")
	t.alive()
}

func controlParameters(t *trial) {
	b := token.Append(nil, token.Token{Kind: token.Call})
	b = token.AppendUID(token.AppendUID(b, uint64(spec.SessionManager)), uint64(spec.StartSession))
	b = token.Append(b, token.Token{Kind: token.StartList})
	b = token.Append(b, token.Token{Kind: token.EndName})
	t.works(t.sends(0, 0, b), "an IF-SEND with an unexpected token")
	t.need(t.quiet(), "it has no answer, and opens no session")
	t.alive()
}

// mostTransactions is how many transactions a row opens at most.
const mostTransactions = 64

func transactionLimit(t *trial) {
	s := t.session(spec.AdminSP, host.Credential{})
	for range mostTransactions {
		if err := s.Begin(); err != nil {
			var closed *host.ClosedError
			var status *host.StatusError
			t.need(errors.As(err, &closed) || errors.As(err, &status), "the device says that it opens no more, or aborts the session")
			t.alive()
			return
		}
	}
	t.end(NotApplicable, "no limit was met in %d transactions", mostTransactions)
}

// nowhere is a row of C_PIN that no device has.
const nowhere = spec.CPINTable + 0x00FFFFFE

func invokingGet(t *trial) {
	t.own()
	s := t.session(t.dev.LockingSP(), t.master(0))
	_, err := s.Get(nowhere, "", "")
	t.refused(err, "Get on an object that is not there", spec.InvalidParameter, spec.NotAuthorized)
	t.need(!t.gone(s), "the session goes on")
}

func invokingOther(t *trial) {
	t.own()
	s := t.session(t.dev.LockingSP(), t.master(0))
	t.refused(s.Set(nowhere, host.Cell{Column: "PIN", Value: token.S("x")}), "Set on an object that is not there", spec.InvalidParameter, spec.NotAuthorized)
	_, err := s.Call(spec.UID(0x00000805_00FFFFFE), spec.GenKey)
	t.refused(err, "GenKey on an object that is not there", spec.InvalidParameter, spec.NotAuthorized)
	t.need(!t.gone(s), "the session goes on")
}

func authorization(t *trial) {
	t.own()
	t.refused(t.set(1, host.Credential{}, number("RangeLength", 8)), "Set on a range as Anybody", spec.NotAuthorized)
	t.refused(t.as(spec.AdminSP, host.Credential{}, func(s *host.Session) error {
		return s.Set(spec.CPINSID, host.Cell{Column: "PIN", Value: token.S("x")})
	}), "Set of the PIN of SID as Anybody", spec.NotAuthorized)
	t.works(t.dev.Authenticate(host.Credential{Who: spec.SID, PIN: owner}), "SID with the PIN that it has")
}

func malformedHeader(t *trial) {
	s := t.session(spec.AdminSP, host.Credential{})
	b := make([]byte, 512)
	b[4], b[5] = byte(t.dev.ComID()>>8), byte(t.dev.ComID())
	b[16], b[17] = 0x7F, 0xFF // longer than the transfer
	if t.Transport.Send(transport.ProtocolTCG, t.dev.ComID(), b) == nil {
		t.need(t.quiet(), "a ComPacket that is longer than its transfer has no answer")
	}
	t.need(!t.gone(s), "the session goes on")
	t.alive()
}

// exceeds is a Packet with more Subpackets than the device takes.
func (t *trial) exceeds(tsn, hsn uint32) {
	own, _ := t.dev.Properties()
	for _, p := range own {
		if p.Name != "MaxSubpackets" || p.Value == 0 || p.Value > 64 {
			continue
		}
		out := token.Packet{TSN: tsn, HSN: hsn}
		for range p.Value + 1 {
			out.Subpackets = append(out.Subpackets, token.Subpacket{Kind: token.Data, Payload: t.propertiesCall()})
		}
		t.works(t.sendPacket(out), "an IF-SEND with more Subpackets than MaxSubpackets")
		return
	}
	t.end(NotApplicable, "the device says no MaxSubpackets that this host reaches")
}

func exceedRegular(t *trial) {
	s := t.session(spec.AdminSP, host.Credential{})
	t.exceeds(s.Numbers())
	t.answer() // CloseSession may be there
	t.need(t.gone(s), "the session is aborted")
	t.alive()
}

func exceedControl(t *trial) {
	t.exceeds(0, 0)
	t.need(t.quiet(), "it has no answer")
	t.alive()
}

func overlapping(t *trial) {
	t.own()
	i, err := t.dev.LockingInfo()
	t.works(err, "reading LockingInfo")
	if i.MaxRanges < 2 {
		t.end(NotApplicable, "the device has fewer than two ranges beside the global one")
	}
	start, length := t.place()
	by := t.master(2)
	if t.enterprise() {
		by.PIN = t.msid
	}
	t.refused(t.set(2, by, number("RangeStart", start+length/2), number("RangeLength", length)), "a range that overlaps another", spec.InvalidParameter)
	t.works(t.set(2, by, number("RangeStart", start+length), number("RangeLength", length)), "one that begins where the other ends")
}

func invalidType(t *trial) {
	t.own()
	t.refused(t.set(1, t.master(1), host.Cell{Column: "ReadLockEnabled", Value: token.S("yes")}), "bytes where a boolean belongs", spec.InvalidParameter)
	t.refused(t.set(1, t.master(1), host.Cell{Column: "RangeLength", Value: token.L()}), "a list where a number belongs", spec.InvalidParameter)
}

func revertLocked(t *trial) {
	t.own()
	t.works(t.set(0, t.master(0), append(locks(true, true), flag("ReadLockEnabled", true), flag("WriteLockEnabled", true))...), "locking the global range")
	t.refused(t.dev.RevertLocking(t.master(0), true), "RevertSP with KeepGlobalRangeKey", spec.Fail)
	t.reopen()
	t.need(t.state() == spec.Manufactured, "the Locking SP is as it was")
}

func inactive(t *trial) {
	_, err := t.dev.Start(spec.OpalLockingSP, host.SessionOptions{})
	var status *host.StatusError
	t.need(errors.As(err, &status), "StartSession with a Locking SP that is not activated is refused")
}

func hostChallenge(t *trial) {
	t.own()
	c := t.master(0)
	_, err := t.dev.StartSigned(t.dev.LockingSP(), c.Who, pin("wrong"), host.SessionOptions{})
	t.refused(err, "StartSession with a wrong HostChallenge", spec.NotAuthorized)
	s, err := t.dev.StartSigned(t.dev.LockingSP(), c.Who, c.PIN, host.SessionOptions{})
	t.works(err, "StartSession with the right one")
	t.works(s.Close(), "closing the session")
}

func multiple(t *trial) {
	one := t.session(spec.AdminSP, host.Credential{})
	_, err := t.dev.Start(spec.AdminSP, host.SessionOptions{})
	t.refused(err, "a second session that writes", spec.SPBusy, spec.NoSessionsAvailable)
	t.works(one.Close(), "closing the first")
	two := t.session(spec.AdminSP, host.Credential{})
	t.works(two.Close(), "closing another")
}

func removalUnsupported(t *trial) {
	supported := t.removal()
	t.own()
	for _, n := range []uint64{3, 4, 6, 7, 200} {
		if n > 7 || supported>>n&1 == 0 {
			t.refused(t.mechanism(n), "a mechanism that is not supported", spec.InvalidParameter)
		}
	}
}
