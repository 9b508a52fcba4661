package spec

import (
	"encoding/binary"
	"fmt"
)

// The features of level 0 discovery that hosts know (Core 3.3.6.4 and on; the feature sets).
const (
	FeatureTPer        uint16 = 0x0001
	FeatureLocking     uint16 = 0x0002
	FeatureGeometry    uint16 = 0x0003
	FeatureEnterprise  uint16 = 0x0100
	FeatureOpal1       uint16 = 0x0200
	FeatureSingleUser  uint16 = 0x0201
	FeatureDataStore   uint16 = 0x0202
	FeatureOpal2       uint16 = 0x0203
	FeatureBlockSID    uint16 = 0x0402
	FeatureDataRemoval uint16 = 0x0404
)

// Discovery is the answer of level 0 discovery (Core 3.3.6): a header of 48 bytes, and a descriptor
// for each feature, by ascending code.
type Discovery struct {
	Revision uint32 // 1
	Vendor   [32]byte
	Features []Feature
}

// Feature is a descriptor: bytes 0-1 code; 2 version in the upper 4 bits, minor version in the
// lower; 3 length of what follows.
type Feature struct {
	Code           uint16
	Version, Minor uint8  // 4 bits each
	Data           []byte // at most 255 bytes
}

const discoveryHeader = 48

// Append appends the answer.
func (d *Discovery) Append(b []byte) []byte {
	be := binary.BigEndian
	start := len(b)
	b = be.AppendUint32(b, 0)
	b = be.AppendUint32(b, d.Revision)
	b = append(b, make([]byte, 8)...)
	b = append(b, d.Vendor[:]...)
	for _, f := range d.Features {
		b = be.AppendUint16(b, f.Code)
		b = append(b, f.Version<<4|f.Minor&0x0F, byte(len(f.Data)))
		b = append(b, f.Data...)
	}
	be.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// ParseDiscovery reads an answer; bytes behind its length are no part of it. The features share
// their bytes with b.
func ParseDiscovery(b []byte) (*Discovery, error) {
	be := binary.BigEndian
	if len(b) < discoveryHeader {
		return nil, fmt.Errorf("spec: discovery of %d bytes, the header has %d", len(b), discoveryHeader)
	}
	n := be.Uint32(b)
	if n < discoveryHeader-4 || uint64(n) > uint64(len(b)-4) {
		return nil, fmt.Errorf("spec: discovery says %d bytes behind the first 4, %d are there", n, len(b)-4)
	}
	d := &Discovery{Revision: be.Uint32(b[4:]), Vendor: [32]byte(b[16:48])}
	for b, at := b[:4+n], discoveryHeader; at < len(b); {
		if len(b)-at < 4 {
			return nil, fmt.Errorf("spec: discovery has %d bytes behind the last feature", len(b)-at)
		}
		f := Feature{Code: be.Uint16(b[at:]), Version: b[at+2] >> 4, Minor: b[at+2] & 0x0F}
		size := int(b[at+3])
		if at += 4; len(b)-at < size {
			return nil, fmt.Errorf("spec: feature %04X says %d bytes, %d are there", f.Code, size, len(b)-at)
		}
		f.Data = b[at : at+size : at+size]
		d.Features = append(d.Features, f)
		at += size
	}
	return d, nil
}

// Find gives the feature with a code.
func (d *Discovery) Find(code uint16) (Feature, bool) {
	for _, f := range d.Features {
		if f.Code == code {
			return f, true
		}
	}
	return Feature{}, false
}

// body is the data of a feature, longer by zeros than what a device of an older version sends.
func (f *Feature) body(n int) []byte {
	return append(append([]byte(nil), f.Data...), make([]byte, n)...)
}

// bits packs flags, the first in bit 0.
func bits(flags ...bool) (b byte) {
	for i, f := range flags {
		if f {
			b |= 1 << i
		}
	}
	return b
}

// TPer is feature 0001 (Core 3.3.6.4).
type TPer struct {
	Sync, Async, AckNak, BufferMgmt, Streaming, ComIDMgmt bool
}

// Feature is the descriptor.
func (t TPer) Feature() Feature {
	d := make([]byte, 12)
	d[0] = bits(t.Sync, t.Async, t.AckNak, t.BufferMgmt, t.Streaming, false, t.ComIDMgmt)
	return Feature{Code: FeatureTPer, Version: 1, Data: d}
}

// TPer reads feature 0001.
func (d *Discovery) TPer() (t TPer, ok bool) {
	f, ok := d.Find(FeatureTPer)
	b := f.body(1)[0]
	return TPer{b&1 != 0, b&2 != 0, b&4 != 0, b&8 != 0, b&16 != 0, b&64 != 0}, ok
}

// Locking is feature 0002 (Core 3.3.6.5).
type Locking struct {
	Supported, Enabled, Locked, MediaEncryption, MBREnabled, MBRDone, MBRAbsent bool
}

// Feature is the descriptor.
func (l Locking) Feature() Feature {
	d := make([]byte, 12)
	d[0] = bits(l.Supported, l.Enabled, l.Locked, l.MediaEncryption, l.MBREnabled, l.MBRDone, l.MBRAbsent)
	return Feature{Code: FeatureLocking, Version: 1, Data: d}
}

// Locking reads feature 0002.
func (d *Discovery) Locking() (l Locking, ok bool) {
	f, ok := d.Find(FeatureLocking)
	b := f.body(1)[0]
	return Locking{b&1 != 0, b&2 != 0, b&4 != 0, b&8 != 0, b&16 != 0, b&32 != 0, b&64 != 0}, ok
}

// Geometry is feature 0003 (Opal 3.1.1.4).
type Geometry struct {
	Align                bool
	LogicalBlockSize     uint32 // bytes
	AlignmentGranularity uint64 // blocks
	LowestAlignedLBA     uint64
}

// Feature is the descriptor.
func (g Geometry) Feature() Feature {
	d := make([]byte, 28)
	d[0] = bits(g.Align)
	binary.BigEndian.PutUint32(d[8:], g.LogicalBlockSize)
	binary.BigEndian.PutUint64(d[12:], g.AlignmentGranularity)
	binary.BigEndian.PutUint64(d[20:], g.LowestAlignedLBA)
	return Feature{Code: FeatureGeometry, Version: 1, Data: d}
}

// Geometry reads feature 0003.
func (d *Discovery) Geometry() (g Geometry, ok bool) {
	f, ok := d.Find(FeatureGeometry)
	b := f.body(28)
	be := binary.BigEndian
	return Geometry{b[0]&1 != 0, be.Uint32(b[8:]), be.Uint64(b[12:]), be.Uint64(b[20:])}, ok
}

// Enterprise is feature 0100 (Enterprise 3.6.2.3).
type Enterprise struct {
	BaseComID, ComIDs uint16
	RangeCrossing     bool // a command that touches two bands is refused
}

// Feature is the descriptor.
func (e Enterprise) Feature() Feature {
	d := make([]byte, 16)
	binary.BigEndian.PutUint16(d, e.BaseComID)
	binary.BigEndian.PutUint16(d[2:], e.ComIDs)
	d[4] = bits(e.RangeCrossing)
	return Feature{Code: FeatureEnterprise, Version: 1, Data: d}
}

// Enterprise reads feature 0100.
func (d *Discovery) Enterprise() (e Enterprise, ok bool) {
	f, ok := d.Find(FeatureEnterprise)
	b := f.body(5)
	return Enterprise{binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), b[4]&1 != 0}, ok
}

// BlockSID is feature 0402 (Block SID Authentication 1.01, 3.1).
type BlockSID struct {
	NotMSID        bool // the PIN of SID differs from MSID
	Blocked        bool
	FreezeSupport  bool
	Frozen         bool
	ClearedByReset bool // a hardware reset lifts the block, too
}

// Feature is the descriptor.
func (s BlockSID) Feature() Feature {
	d := make([]byte, 12)
	d[0] = bits(s.NotMSID, s.Blocked, s.FreezeSupport, s.Frozen)
	d[1] = bits(s.ClearedByReset)
	return Feature{Code: FeatureBlockSID, Version: 2, Data: d}
}

// BlockSID reads feature 0402.
func (d *Discovery) BlockSID() (s BlockSID, ok bool) {
	f, ok := d.Find(FeatureBlockSID)
	b := f.body(2)
	return BlockSID{b[0]&1 != 0, b[0]&2 != 0, b[0]&4 != 0, b[0]&8 != 0, b[1]&1 != 0}, ok
}

// DataStoreTables is feature 0202 (Additional DataStore Tables 1.01, 4.1).
type DataStoreTables struct {
	Tables    uint16 // how many there may be
	Size      uint32 // bytes of all together
	Alignment uint32 // of the size of one
}

// Feature is the descriptor.
func (s DataStoreTables) Feature() Feature {
	d := make([]byte, 12)
	binary.BigEndian.PutUint16(d[2:], s.Tables)
	binary.BigEndian.PutUint32(d[4:], s.Size)
	binary.BigEndian.PutUint32(d[8:], s.Alignment)
	return Feature{Code: FeatureDataStore, Version: 1, Data: d}
}

// DataStoreTables reads feature 0202.
func (d *Discovery) DataStoreTables() (s DataStoreTables, ok bool) {
	f, ok := d.Find(FeatureDataStore)
	b := f.body(12)
	be := binary.BigEndian
	return DataStoreTables{be.Uint16(b[2:]), be.Uint32(b[4:]), be.Uint32(b[8:])}, ok
}

// DataRemoval is feature 0404 (Opal 3.1.1.6): which data removal mechanisms a device has.
type DataRemoval struct {
	InProgress, Interrupted bool
	Supported               uint8     // bit n: the mechanism of that number, see DataRemovalCrypto
	Minutes                 uint8     // bit n: the time of mechanism n is in units of 2 minutes, not of 2 seconds
	Times                   [6]uint16 // by mechanism; 0: not told
}

// The data removal mechanisms (Core 5.1.3, type data_removal_mechanism).
const (
	DataRemovalOverwrite = 0
	DataRemovalBlock     = 1
	DataRemovalCrypto    = 2
	DataRemovalVendor    = 5
)

// Feature is the descriptor.
func (r DataRemoval) Feature() Feature {
	d := make([]byte, 32)
	d[1], d[2], d[3] = bits(r.InProgress, r.Interrupted), r.Supported, r.Minutes
	for i, t := range r.Times {
		binary.BigEndian.PutUint16(d[4+2*i:], t)
	}
	return Feature{Code: FeatureDataRemoval, Version: 1, Data: d}
}

// DataRemoval reads feature 0404.
func (d *Discovery) DataRemoval() (r DataRemoval, ok bool) {
	f, ok := d.Find(FeatureDataRemoval)
	b := f.body(16)
	r = DataRemoval{InProgress: b[1]&1 != 0, Interrupted: b[1]&2 != 0, Supported: b[2], Minutes: b[3]}
	for i := range r.Times {
		r.Times[i] = binary.BigEndian.Uint16(b[4+2*i:])
	}
	return r, ok
}

// Opal2 is feature 0203 (Opal 3.1.1.5). The PIN of SID is MSID at first and after a revert.
type Opal2 struct {
	BaseComID, ComIDs uint16
	RangeCrossing     bool // a command that touches two ranges is refused
	Admins, Users     uint16
}

// Feature is the descriptor, of Opal 2.02.
func (o Opal2) Feature() Feature {
	d := make([]byte, 16)
	be := binary.BigEndian
	be.PutUint16(d, o.BaseComID)
	be.PutUint16(d[2:], o.ComIDs)
	d[4] = bits(o.RangeCrossing)
	be.PutUint16(d[5:], o.Admins)
	be.PutUint16(d[7:], o.Users)
	return Feature{Code: FeatureOpal2, Version: 2, Minor: 2, Data: d}
}

// Opal2 reads feature 0203.
func (d *Discovery) Opal2() (o Opal2, ok bool) {
	f, ok := d.Find(FeatureOpal2)
	b := f.body(9)
	be := binary.BigEndian
	return Opal2{be.Uint16(b), be.Uint16(b[2:]), b[4]&1 != 0, be.Uint16(b[5:]), be.Uint16(b[7:])}, ok
}

// SingleUser is feature 0201 (Single User Mode 1.00, 4.2).
type SingleUser struct {
	Objects     uint32 // ranges that can be in Single User Mode, the global one included
	Any, All    bool   // some range is in it; every range is
	AdminsPlace bool   // the policy: Admins set start and length
}

// Feature is the descriptor.
func (s SingleUser) Feature() Feature {
	d := make([]byte, 12)
	binary.BigEndian.PutUint32(d, s.Objects)
	d[4] = bits(s.Any, s.All, s.AdminsPlace)
	return Feature{Code: FeatureSingleUser, Version: 1, Data: d}
}

// SingleUser reads feature 0201.
func (d *Discovery) SingleUser() (s SingleUser, ok bool) {
	f, ok := d.Find(FeatureSingleUser)
	b := f.body(5)
	return SingleUser{binary.BigEndian.Uint32(b), b[4]&1 != 0, b[4]&2 != 0, b[4]&4 != 0}, ok
}
