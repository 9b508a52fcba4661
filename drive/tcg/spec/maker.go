package spec

import (
	"encoding/binary"
	"errors"
)

// What TCG Storage has no word for is told in a security protocol of the drive's maker (SPC-4 6.30, SECURITY
// PROTOCOL field: F0h to FFh are vendor specific): two pages, the layouts of which are fdelab's own.
const (
	// MakerReport is the page that anybody may receive: a Report.
	MakerReport uint16 = 0x0001
	// MakerAttestation is where a challenge of ChallengeSize bytes is sent, and its answer received.
	MakerAttestation uint16 = 0x0002
)

// ChallengeSize is the length of a challenge in bytes.
const ChallengeSize = 32

// The lifecycle states of a Report.
const (
	ReportErased           uint8 = 1 // every BandMaster has MSID
	ReportConfigured       uint8 = 2 // some BandMaster has a PIN of its own
	ReportSecurityDegraded uint8 = 3 // an old wrap may still be there, or no record can be trusted
)

// What the last method that ended with FAIL was about, for which the specifications have one status.
const (
	FailedNothing  uint8 = 0 // no method did since power-on, or since a reset
	FailedHardware uint8 = 1 // the security area cannot be written or read; also what is none of the others
	FailedDegraded uint8 = 2 // the drive is SecurityDegraded, or became so
	FailedState    uint8 = 3 // the lifecycle state does not allow it
	FailedEntropy  uint8 = 4 // the random source failed
)

// Report is what a drive says of itself to anybody. It holds no secret.
type Report struct {
	State         uint8 // ReportErased and so on
	LockEnabled   bool  // some band has a lock enabled
	ScrubNeeded   bool  // a self test is due
	Persistent    bool  // counts of tries outlive a loss of power
	KeyGeneration uint32
	Iterations    uint32 // of PBKDF2, for a PIN that is shorter than 32 bytes
	TryLimit      uint16 // 0 is no limit
	LastFailure   uint8  // FailedNothing and so on
	// Authorities are those that have a PIN. Without a record that can be trusted it is PSID alone.
	Authorities []ReportedAuthority
}

// ReportedAuthority is an authority in a Report.
type ReportedAuthority struct {
	UID    UID
	Tries  uint16 // failed authentications since the last one that worked
	AtMSID bool   // it has the factory PIN; PSID never has
}

// The page: length of what follows (4), version (1), state (1), flags (2), key generation (4), iterations
// (4), TryLimit (2), last failure (1), reserved (1), number of authorities (2), and for each UID (8), tries (2), flags (2).
const (
	reportVersion = 1
	reportHeader  = 22
	reportRow     = 12
)

const (
	flagLockEnabled uint16 = 1 << iota
	flagScrubNeeded
	flagPersistent
)

const flagAtMSID uint16 = 1

// ReportSize is the largest page in bytes: SID, EraseMaster, PSID, and 65 BandMasters.
const ReportSize = reportHeader + 68*reportRow

// Append writes the page.
func (r *Report) Append(b []byte) []byte {
	var flags uint16
	for _, f := range []struct {
		is   bool
		flag uint16
	}{{r.LockEnabled, flagLockEnabled}, {r.ScrubNeeded, flagScrubNeeded}, {r.Persistent, flagPersistent}} {
		if f.is {
			flags |= f.flag
		}
	}
	b = binary.BigEndian.AppendUint32(b, uint32(reportHeader-4+reportRow*len(r.Authorities)))
	b = append(b, reportVersion, r.State)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = binary.BigEndian.AppendUint32(b, r.KeyGeneration)
	b = binary.BigEndian.AppendUint32(b, r.Iterations)
	b = binary.BigEndian.AppendUint16(b, r.TryLimit)
	b = append(b, r.LastFailure, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Authorities)))
	for _, a := range r.Authorities {
		flags = 0
		if a.AtMSID {
			flags = flagAtMSID
		}
		b = binary.BigEndian.AppendUint64(b, uint64(a.UID))
		b = binary.BigEndian.AppendUint16(b, a.Tries)
		b = binary.BigEndian.AppendUint16(b, flags)
	}
	return b
}

var errReport = errors.New("spec: no report: its length, its version or its rows are wrong")

// ParseReport reads the page. Bytes behind it are not looked at.
func ParseReport(b []byte) (*Report, error) {
	if len(b) < reportHeader || b[4] != reportVersion {
		return nil, errReport
	}
	rows := int(binary.BigEndian.Uint16(b[20:]))
	if end := reportHeader + rows*reportRow; len(b) < end || binary.BigEndian.Uint32(b) != uint32(end-4) {
		return nil, errReport
	}
	flags := binary.BigEndian.Uint16(b[6:])
	r := &Report{
		State: b[5], LockEnabled: flags&flagLockEnabled != 0, ScrubNeeded: flags&flagScrubNeeded != 0, Persistent: flags&flagPersistent != 0,
		KeyGeneration: binary.BigEndian.Uint32(b[8:]), Iterations: binary.BigEndian.Uint32(b[12:]), TryLimit: binary.BigEndian.Uint16(b[16:]),
		LastFailure: b[18],
		Authorities: make([]ReportedAuthority, 0, rows),
	}
	for n := range rows {
		row := b[reportHeader+n*reportRow:]
		r.Authorities = append(r.Authorities, ReportedAuthority{
			UID: UID(binary.BigEndian.Uint64(row)), Tries: binary.BigEndian.Uint16(row[8:]), AtMSID: binary.BigEndian.Uint16(row[10:])&flagAtMSID != 0,
		})
	}
	return r, nil
}

// Find gives the row of an authority.
func (r *Report) Find(who UID) (a ReportedAuthority, ok bool) {
	for _, a := range r.Authorities {
		if a.UID == who {
			return a, true
		}
	}
	return a, false
}

// Attestation is a drive's answer to a challenge: an Ed25519 key (RFC 8032), its signature, and the serial
// number that was signed with it, at most 255 bytes.
type Attestation struct {
	Identity  [32]byte
	Signature [64]byte
	Serial    string
}

// Append writes the page: key (32), signature (64), length of the serial number (1), serial number.
func (a *Attestation) Append(b []byte) []byte {
	b = append(append(b, a.Identity[:]...), a.Signature[:]...)
	return append(append(b, byte(len(a.Serial))), a.Serial...)
}

// ParseAttestation reads the page. Bytes behind it are not looked at.
func ParseAttestation(b []byte) (a Attestation, err error) {
	const serial = 32 + 64 + 1
	if len(b) < serial || len(b) < serial+int(b[serial-1]) {
		return a, errors.New("spec: no attestation: it is too short")
	}
	copy(a.Identity[:], b)
	copy(a.Signature[:], b[32:])
	a.Serial = string(b[serial : serial+int(b[serial-1])])
	return a, nil
}
