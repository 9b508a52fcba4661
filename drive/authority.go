package drive

import "fmt"

// Authority names who presents a PIN: a class in the high byte, a number in the
// low one.
type Authority uint16

// The authorities of a drive (TCG Storage SSC: Enterprise). A BandMaster is
// made with BandMaster(n).
const (
	Nobody      Authority = 0x0000
	SID         Authority = 0x0100 // owner of the drive
	PSID        Authority = 0x0200 // physical presence: the PIN printed on the label
	EraseMaster Authority = 0x0300 // may erase every band

	bandMaster Authority = 0x0400

	// The authorities of an Opal drive beside SID and PSID. AdminSPAdmin is Admin1 of its Admin SP;
	// those of its Locking SP are made with Admin(n) and User(n).
	AdminSPAdmin Authority = 0x0501

	admin Authority = 0x0600
	user  Authority = 0x0700
)

// How many authorities the Locking SP of an Opal drive has of each class.
const (
	Admins = 4
	Users  = 9
)

// Admin is Admin n of the Locking SP of an Opal drive, n from 1 to Admins.
func Admin(n int) Authority {
	if n < 1 || n > Admins {
		panic(fmt.Sprintf("BUG: Admin %d", n))
	}
	return admin + Authority(n)
}

// User is User n of the Locking SP of an Opal drive, n from 1 to Users.
func User(n int) Authority {
	if n < 1 || n > Users {
		panic(fmt.Sprintf("BUG: User %d", n))
	}
	return user + Authority(n)
}

// IsAdmin says whether it is an Admin of the Locking SP of an Opal drive.
func (a Authority) IsAdmin() bool { return a > admin && a <= admin+Admins }

// IsUser says whether it is a User of the Locking SP of an Opal drive.
func (a Authority) IsUser() bool { return a > user && a <= user+Users }

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
	if a == AdminSPAdmin {
		return "AdminSP.Admin1"
	}
	switch a & 0xFF00 {
	case SID:
		return "SID"
	case PSID:
		return "PSID"
	case EraseMaster:
		return "EraseMaster"
	case bandMaster:
		return fmt.Sprintf("BandMaster%d", a&0xFF)
	case admin:
		return fmt.Sprintf("Admin%d", a&0xFF)
	case user:
		return fmt.Sprintf("User%d", a&0xFF)
	}
	return fmt.Sprintf("authority %04x", uint16(a))
}
