// Package tcg is the security interface of a drive as TCG Storage has it: a TPer, bytes in, bytes
// out. Host software that speaks TCG Storage works with it.
//
//   - [New] makes the [TPer] of a drive. [TPer.Send] and [TPer.Receive] are IF-SEND and IF-RECV, so a
//     TPer is a transport.Transport.
//   - Security protocol 0 lists the protocols; 1 has level 0 discovery and sessions; 2 manages ComIDs,
//     and has Block SID.
//   - Power and resets are the drive's own: the TPer finds at its next command that there was one, and
//     forgets what it has to.
//
// A drive speaks SSC Enterprise 1.01 or SSC Opal 2.02, as the factory decided. What there is, who may do
// what, and what it does to the drive is data (enterprise.go, opal.go) under handlers that know no SSC.
//
// The example asks a drive for its factory PIN.
//
// # Invariants
//
//   - The TPer reaches the drive only by sessions that a PIN opens, as any host does. Whom it would let
//     do more than the drive allows gets nothing: no ACE stands in for a key.
//   - A Set of several columns, and a transaction, are one step of the drive: whole, or not there,
//     also when power is lost. A method that fails leaves nothing in its transaction. What a transaction
//     changed its session sees; who may do what stays as it was until the end.
//   - No input makes it panic, changes a state that the specification does not let its sender change,
//     or makes it keep more than the answer to one ComPacket for each ComID.
//   - There is no goroutine and no clock but Options.Now. The same bytes at the same times give the
//     same answers.
//   - No PIN is in an error, and none is kept longer than its method or its transaction.
//
// # Limitations
//
//   - What of Enterprise 1.01 is not there: table DataStore; columns of re-encryption; the Makers
//     have no member, so that it changes nothing when SID disables them. A BandMaster cannot go back to
//     MSID but by an erase.
//   - What of Opal 2.02 is not there: columns of re-encryption. A BooleanExpr has no AND, since with one
//     nobody alone would hold the key. A Set on a byte table is in no transaction. There are up to 16
//     DataStore tables, as Activate and Reactivate say, and one data removal mechanism: new keys.
//   - An Opal ACE that would admit somebody whom the drive has to refuse is not set: INVALID_PARAMETER. To
//     renew a range's key takes the keys of all its holders, which Admins alone have, so GenKey is
//     for Admins; the PIN of a User is set by Admins and that User; and Anybody, who has no key, is
//     admitted to no lock, to no DataStore, and not to MBRControl.
//   - An Enterprise drive has one session at a time, so of several sessions of the TPer one can
//     authenticate; the others get SP_BUSY. A session of it authenticates one authority beside Anybody.
//   - Credit control, acknowledgements, sequence numbers and continued tokens are not offered.
//   - An answer is one Packet in one ComPacket, as the SSCs ask for. One that is larger than the transfer that a
//     host asked for is not split: it waits until the host asks for enough, and MinTransfer says how much. One that is larger than what the host takes at all is
//     RESPONSE_OVERFLOW.
//   - An integer of a token stream has at most 64 bits.
//   - Rows of the preconfiguration tables that no text at hand shows are assumed. Enterprise: Get on
//     C_PIN by the authority itself (never its PIN), Get on Authority by anybody, GenKey on a band's key
//     by its BandMaster. Opal: the columns of ACE_C_PIN_Get_PSID_NoPIN, and the UIDs of the ACEs of Single User Mode.
package tcg
