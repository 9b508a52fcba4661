package drive_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func labelOf(t *testing.T) drive.Label {
	t.Helper()
	l := drive.Label{Serial: `B "1" \ 2`}
	var err error
	l.MSID, err = drive.NewPIN([]byte("MSID-0123456789-0123456789-01234"))
	require.NoError(t, err)
	l.PSID, err = drive.NewPIN([]byte("PSID-ABCDEFGHIJ-ABCDEFGHIJ-ABCDE"))
	require.NoError(t, err)
	return l
}

func requireLabel(t *testing.T, want drive.Label, text string) {
	t.Helper()
	got, err := drive.ParseLabel([]byte(text))
	require.NoError(t, err, text)
	require.Equal(t, want.Serial, got.Serial)
	require.True(t, want.MSID.Equal(got.MSID) && want.PSID.Equal(got.PSID), text)
}

// TestOneLabelIsReadInEachForm: as it is written, with notes and other line ends, and as the shell wrote it once.
func TestOneLabelIsReadInEachForm(t *testing.T) {
	l := labelOf(t)
	text := string(l.File())
	require.Equal(t, "serial: B \"1\" \\ 2\nmsid: MSID-0123456789-0123456789-01234\npsid: PSID-ABCDEFGHIJ-ABCDEFGHIJ-ABCDE\n", text)
	requireLabel(t, l, text)
	requireLabel(t, l, "in the safe\r\n"+strings.ReplaceAll(text, "\n", "\r\n"))
	digits := fmt.Sprintf("MSID %X\nPSID %x\n", l.MSID.Bytes(), l.PSID.Bytes())
	requireLabel(t, l, "fdelab label of a drive\nserial \"B \\\"1\\\" \\\\ 2\"\n"+digits)
}

// TestWhatIsNoLabel says so, and nothing of a PIN.
func TestWhatIsNoLabel(t *testing.T) {
	l := labelOf(t)
	text := string(l.File())
	_, err := drive.ParseLabel([]byte("hunter2\n"))
	require.ErrorIs(t, err, drive.ErrNoLabel)
	for old, want := range map[string]string{
		"serial: ":                               `no line that begins with "serial: "`,
		"psid: PSID":                             `the line "psid: " of the label: a PIN of a label has 32 characters, or 64 hexadecimal digits`,
		"msid: MSID-0123456789-0123456789-01234": `the line "msid: " of the label: 6 hexadecimal digits, where 64 are right`,
	} {
		wrong := map[string]string{"serial: ": "number: ", "psid: PSID": "psid: ", "msid: MSID-0123456789-0123456789-01234": "msid: ABCDEF"}[old]
		_, err := drive.ParseLabel(bytes.Replace([]byte(text), []byte(old), []byte(wrong), 1))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "ABCDE-", "no part of a PIN")
	}
	_, err = drive.ParseLabel([]byte("fdelab label of a drive\nserial B1\nMSID 00\nPSID 00\n"))
	require.EqualError(t, err, "the serial number of the label is not in quotes")
}
