package drive

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// bomb is a flash whose firmware has a bug: once it is armed, a program panics.
type bomb struct {
	*flash.Mem
	armed bool
}

func (b *bomb) Program(block, page int, data []byte) error {
	if b.armed {
		panic("BUG: planted")
	}
	return b.Mem.Program(block, page, data)
}

// TestPanicShowsNoSecret: a panic below each method that takes a PIN or works with
// a key prints no byte of either, in the form in which a runtime prints arguments.
func TestPanicShowsNoSecret(t *testing.T) {
	key := func(c byte) (k secret.Key32) {
		for i := range k {
			k[i] = c + byte(i)
		}
		return k
	}
	first, second := key(0xA1), key(0x51)
	for name, call := range map[string]func(*Drive, Session) error{
		"Authenticate": func(d *Drive, s Session) error {
			s.Close()
			_, err := d.Authenticate(BandMaster(0), CredentialPIN(&first))
			return err
		},
		"SetPIN":  func(_ *Drive, s Session) error { return s.SetPIN(CredentialPIN(&first)) },
		"Migrate": func(_ *Drive, s Session) error { return s.Migrate(CredentialPIN(&first)) },
		"GenKey":  func(_ *Drive, s Session) error { return s.GenKey() },
		"RevertPSID": func(d *Drive, s Session) error {
			s.Close()
			return d.RevertPSID(CredentialPIN(&first))
		},
	} {
		f := &bomb{Mem: flash.NewMem(flash.DefaultGeometry)}
		d, label, err := Manufacture(Config{Serial: "M1", SectorSize: 512, Sectors: 64, PBKDF2Iterations: 1},
			Parts{Flash: f, Media: NewMemMedia(512), Entropy: entropy.Stream(77, "bomb")})
		require.NoError(t, err)
		s, err := d.Authenticate(BandMaster(0), label.MSID)
		require.NoError(t, err)
		require.NoError(t, s.Migrate(CredentialPIN(&second)))
		f.armed = true
		secrets := map[string][]byte{
			"the PIN": first[:6], "the PIN in force": second[:6], "MSID": label.MSID.Bytes()[:6],
			"the root key": d.fuses.Root[:6], "the AK": bytes.Clone(s.(*session).ak[:6]), "the MEK": bytes.Clone(d.ram[0].mek[:6]),
		}
		trace := func() (trace string) {
			defer func() {
				require.NotNil(t, recover(), "%s: the bomb went off", name)
				trace = string(debug.Stack())
			}()
			return fmt.Sprint(call(d, s))
		}()
		require.Contains(t, trace, name+"(", "the trace is the one of %s", name)
		for what, b := range secrets {
			require.NotContains(t, trace, strings.ReplaceAll(strings.Trim(fmt.Sprintf("%#v", b), "[]byte{}"), "uint8", ""), "%s: %s", name, what)
			require.NotContains(t, strings.ReplaceAll(trace, "0x", ""), hex.EncodeToString(b[:4]), "%s: %s", name, what)
		}
	}
}

// TestPINInUnexportedFields: package fmt does not ask the Format of what lies in an
// unexported field, so there has to be nothing to find.
func TestPINInUnexportedFields(t *testing.T) {
	p := credential(0xC3)
	k := secret.Key32(p.Bytes())
	type deep struct{ inner struct{ pins []PIN } }
	d := deep{}
	d.inner.pins = []PIN{p}
	for _, v := range []any{
		p, &p,
		struct{ p PIN }{p},
		&struct{ p PIN }{p},
		[]struct{ p PIN }{{p}},
		map[string]struct{ p PIN }{"a": {p}},
		d, &d,
		struct{ hidden any }{p},
		struct{ l Label }{Label{Serial: "A", MSID: p, PSID: p}},
		struct{ f *Fuses }{&Fuses{Root: &k, MSID: p}},
		struct{ f Fuses }{Fuses{Root: nil, MSID: p}},
		Fuses{Root: &k, MSID: p},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			out := strings.ToLower(fmt.Sprintf(verb, v))
			for form, needle := range map[string]string{
				"hexadecimal": "c3c3c3", "decimals": "195 195", "commas": "0xc3, 0xc3", "raw": string(k[:4]), "escaped": `\xc3\xc3`,
			} {
				require.NotContains(t, out, needle, "%s of %T shows a PIN, %s", verb, v, form)
			}
		}
	}
}

// TestPINIsAHandle: copies share the bytes, a clone does not, and what a drive
// hands out or takes stays its own.
func TestPINIsAHandle(t *testing.T) {
	p := credential(0xC3)
	same, own := p, p.Clone()
	require.True(t, p.Equal(same) && p.Equal(own))
	p.Clear()
	require.Zero(t, same.Len(), "a copy shares the bytes: it is the zero PIN now")
	require.Equal(t, PINSize, own.Len(), "a clone has its own")
	require.False(t, own.Equal(same))
	require.Equal(t, credential(0xC3).Bytes(), own.Bytes())
	require.True(t, PIN{}.Equal(same), "all zero PINs are alike")
	PIN{}.Clear()
	require.Zero(t, PIN{}.Clone().Len())

	b := newBench(t, nil)
	msid, err := b.MSID()
	require.NoError(t, err)
	msid.Clear()
	b.Fuses().Clear()
	s, err := b.Authenticate(BandMaster(0), b.label.MSID)
	require.NoError(t, err, "who clears what the drive handed out does not change the drive")
	c := credential(0xC4)
	require.NoError(t, s.Migrate(c))
	c.Clear()
	s.Close()
	s, err = b.Authenticate(BandMaster(0), credential(0xC4))
	require.NoError(t, err, "who clears what he gave the drive does not change the drive")
	s.Close()
	b.label.MSID.Clear()
	require.ErrorIs(t, b.RevertPSID(b.label.MSID), InvalidParameter, "a cleared PIN is the zero PIN")
	require.NoError(t, b.RevertPSID(b.label.PSID))
	msid, err = b.MSID()
	require.NoError(t, err)
	require.Equal(t, PINSize, msid.Len(), "the label is not the drive's memory")
}
