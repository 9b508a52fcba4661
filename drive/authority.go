package drive

import "fmt"

// Authority names who presents a PIN: a class in the high byte, a number in the
// low one, so that Opal's Admin n and User n can join without moving the others.
type Authority uint16

// The authorities of a drive (TCG Storage SSC: Enterprise). A BandMaster is
// made with BandMaster(n).
const (
	Nobody      Authority = 0x0000
	SID         Authority = 0x0100 // owner of the drive
	PSID        Authority = 0x0200 // physical presence: the PIN printed on the label
	EraseMaster Authority = 0x0300 // may erase every band

	bandMaster Authority = 0x0400
)

// MaxRanges is how many ranges a drive may have beside the global one.
const MaxRanges = 64

// BandMaster is the authority over range n (0 is the global range).
func BandMaster(n int) Authority {
	if n < 0 || n > MaxRanges {
		panic(fmt.Sprintf("BUG: BandMaster %d", n))
	}
	return bandMaster + Authority(n)
}

// Band tells which range a BandMaster is the master of.
func (a Authority) Band() (n int, ok bool) {
	if a&0xFF00 != bandMaster {
		return 0, false
	}
	return int(a & 0xFF), true
}

func (a Authority) String() string {
	switch a & 0xFF00 {
	case SID:
		return "SID"
	case PSID:
		return "PSID"
	case EraseMaster:
		return "EraseMaster"
	case bandMaster:
		return fmt.Sprintf("BandMaster%d", a&0xFF)
	}
	return fmt.Sprintf("authority %04x", uint16(a))
}
