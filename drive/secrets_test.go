package drive

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoKeyBytesInAnythingPrinted prints everything that can be printed of a
// drive and looks for the keys in it.
func TestNoKeyBytesInAnythingPrinted(t *testing.T) {
	b := newBench(t, nil)
	s := b.auth(BandMaster(0), b.label.MSID)
	require.NoError(t, s.Migrate(credential(0xC3)))
	ak, mek := *s.(*session).ak, *b.ram[0].mek
	var out bytes.Buffer
	show := func(v any) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		j, err := json.Marshal(v)
		if err == nil {
			out.Write(j)
		}
	}
	show(b.label)
	show(b.Fuses())
	show(&b.label)
	show(credential(0xC3))
	k, err := b.KeyMap()
	require.NoError(t, err)
	show(k)
	show(b.Status())
	show(s)
	show(*s.(*session))
	show(b.Drive)
	show(struct{ hidden *Drive }{b.Drive})
	show(struct{ hidden Session }{s})
	show(b)
	_, err = b.Authenticate(BandMaster(0), credential(0xC4))
	show(err)
	s.Close()
	_, err = b.Authenticate(BandMaster(0), credential(0xC4))
	show(err)
	show(b.RevertPSID(credential(0xC5)))
	show(b.Read(0, make([]byte, 3)))
	for _, tr := range b.seen {
		show(tr)
	}
	f := b.Fuses()
	for name, secret := range map[string][]byte{
		"AK": ak[:], "MEK": mek[:], "root key": f.Root[:], "MSID": b.label.MSID.Bytes(), "PSID": b.label.PSID.Bytes(),
		"credential": credential(0xC3).Bytes(), "wrong PIN": credential(0xC4).Bytes(), "wrong PSID": credential(0xC5).Bytes(),
	} {
		part := secret[:8]
		for form, needle := range map[string]string{
			"raw": string(part), "hexadecimal": hex.EncodeToString(part), "HEXADECIMAL": fmt.Sprintf("%X", part),
			"decimals": fmt.Sprint(part)[1 : len(fmt.Sprint(part))-1],
		} {
			require.False(t, strings.Contains(out.String(), needle), "the %s is printed, %s", name, form)
		}
	}
}
