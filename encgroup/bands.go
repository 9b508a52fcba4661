package encgroup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// The bands of a member beside its data range hold nothing. Their BandMasters get a credential all
// the same: with the factory PIN, anybody at the drive's port could lay such a band over customer
// data. What is written there from then on would be under a key that the root key alone opens.

const infoBand = "fdelab encgroup band credential v1\x00"

// bandCredential is the 32-byte PIN of the BandMaster of a band from 1 on. It is derived like
// credential, over serial, generation and band (1 byte).
func bandCredential(groupKey *secret.Key32, serial string, generation uint32, band int) *secret.Key32 {
	info := make([]byte, 0, len(infoBand)+1+serialMax+5)
	info = append(info, infoBand...)
	info = append(append(info, byte(len(serial))), serial...)
	info = binary.BigEndian.AppendUint32(info, generation)
	return derive(groupKey, string(append(info, byte(band))))
}

func (g *Group) bandPIN(serial string, generation uint32, band int) drive.PIN {
	c := bandCredential(g.ram().of(g.lookup(serial), generation), serial, generation, band)
	defer c.Clear()
	return drive.CredentialPIN(c)
}

// BandSecrets is Secrets for the bands beside the data range, from 1 to bands.
func (g *Group) BandSecrets(serial string, bands int) ([]BandSecret, error) {
	if g.ram == nil {
		return nil, fmt.Errorf("encgroup: secrets: %w", g.noKey())
	}
	i, ok := g.rec.find(serial)
	if !ok {
		return nil, nil
	}
	m, k := g.rec.Members[i], g.ram()
	var out []BandSecret
	for n := max(m.First, 1); n != 0 && n <= m.Last; n++ {
		for b := 1; b <= bands; b++ {
			name := fmt.Sprintf("credential of %s, band %d, generation %d", serial, b, n)
			out = append(out, BandSecret{NamedSecret{name, bandCredential(k.of(m, n), serial, n, b)}, b, n})
		}
	}
	return out, nil
}

// BandSecret is the credential of a band beside the data range.
type BandSecret struct {
	NamedSecret
	Band       int
	Generation uint32
}

// secureBands makes every band of a member but its data range cover no sectors, and gives it the
// credential of the generation. others are the generations that a band may have now, in the order
// in which they are tried. The caller has no session open.
func (g *Group) secureBands(d Drive, generation uint32, others ...uint32) error {
	for n := 1; n <= d.Config().Ranges; n++ {
		if err := g.secureBand(d, n, generation, others); err != nil {
			return fmt.Errorf("band %d: %w", n, err)
		}
	}
	return nil
}

func (g *Group) secureBand(d Drive, n int, generation uint32, others []uint32) error {
	s, had, err := g.openBand(d, n, others)
	if errors.Is(err, drive.NotAuthorized) || errors.Is(err, drive.LockedOut) {
		s, err = g.takeBack(d, n, err) // had is 0: the factory PIN
	}
	if err != nil {
		return err
	}
	defer s.Close()
	if err := vacate(s, d, n); err != nil {
		return err
	}
	if had == generation {
		return nil
	}
	pin := g.bandPIN(d.Serial(), generation, n)
	defer pin.Clear()
	return s.SetPIN(pin)
}

// openBand opens a session as BandMaster n and returns the generation that opened it; 0 is the
// factory PIN.
func (g *Group) openBand(d Drive, n int, generations []uint32) (drive.Session, uint32, error) {
	r, err := d.Range(n)
	if err != nil {
		return nil, 0, err
	}
	if r.AtMSID {
		msid, err := d.MSID()
		if err != nil {
			return nil, 0, err
		}
		s, err := g.asBandMaster(d, n, msid)
		return s, 0, err
	}
	err = drive.NotAuthorized
	for i, v := range generations {
		if v == 0 || slices.Contains(generations[:i], v) {
			continue
		}
		pin := g.bandPIN(d.Serial(), v, n)
		s, wrong := g.asBandMaster(d, n, pin)
		pin.Clear()
		if err = wrong; err == nil {
			return s, v, nil
		}
		if !errors.Is(err, drive.NotAuthorized) {
			break
		}
	}
	return nil, 0, err
}

// takeBack erases a band of a member that its credential does not open. The band had a credential
// of this group when the drive joined, so somebody has changed it or used up its tries since. A
// band that covers sectors may hold that person's data: it is refused with ErrForeign.
func (g *Group) takeBack(d Drive, n int, why error) (drive.Session, error) {
	r, err := d.Range(n)
	if err != nil {
		return nil, err
	}
	if r.Length > 0 {
		return nil, fmt.Errorf("%w: it covers sectors %d to %d: %w", ErrForeign, r.Start, r.Start+r.Length-1, why)
	}
	msid, err := d.MSID()
	if err != nil {
		return nil, err
	}
	s, err := d.Authenticate(drive.EraseMaster, msid)
	if err != nil {
		return nil, err
	}
	err = s.Erase(n)
	s.Close()
	if err != nil {
		return nil, err
	}
	g.noted(d, fmt.Sprintf("band %d did not open to its credential: put right", n))
	return g.asBandMaster(d, n, msid)
}

// checkBands requires that no band beside the data range covers a sector, or can be made to with
// the factory PIN.
func checkBands(d Drive) error {
	for n := 1; n <= d.Config().Ranges; n++ {
		r, err := d.Range(n)
		switch {
		case err != nil:
			return err
		case r.Length > 0:
			return fmt.Errorf("%w: band %d covers sectors %d to %d", ErrUnverified, n, r.Start, r.Start+r.Length-1)
		case r.AtMSID:
			return fmt.Errorf("%w: BandMaster%d has the factory PIN, so anybody can lay band %d over data", ErrUnverified, n, n)
		}
	}
	return nil
}

// proveBands is checkBands, and requires that its credential opens each band: whoever has reset a
// band may have set a new PIN.
func (g *Group) proveBands(d Drive, generation uint32) error {
	if err := checkBands(d); err != nil {
		return err
	}
	for n := 1; n <= d.Config().Ranges; n++ {
		s, _, err := g.openBand(d, n, []uint32{generation})
		if err != nil {
			return fmt.Errorf("%w: band %d does not open to its credential: %w", ErrUnverified, n, err)
		}
		s.Close()
	}
	return nil
}
