package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// programmersWords is what only a programmer understands; see the test of the same name of the console.
var programmersWords = regexp.MustCompile(`(?:^|: |\()(?:raslab|encgroup|console|proptest|tct|ipp|kmip|pki|keydir|cert|reckey|repository|flash|drive|erase|json|strconv|clouddir|objectstore): ` +
	`|\b(?:[0-9]+h)?[0-9]+m[0-9.]+s\b|<nil>|%!|\b0x[0-9a-f]{6,}|strconv\.|\bdial tcp|: (?:open|mkdir|lstat|stat|read) [^ ]*[/.]|\.part-|map\[|&\{|runtime error`)

// TestNoSubcommandLeaks runs every subcommand with what it cannot use: files that are missing,
// a directory, no text, and words and numbers that are none.
func TestNoSubcommandLeaks(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("file", []byte("\x00\xff{"), 0o600))
	require.NoError(t, os.WriteFile("bad.json", []byte(`{"statement": 7}`), 0o600))
	require.NoError(t, os.Mkdir("dir", 0o700))
	for _, line := range []string{
		"certificate verify missing", "certificate verify dir", "certificate verify file", "certificate verify bad.json",
		"certificate verify bad.json --key missing", "certificate verify bad.json --key dir", "certificate verify bad.json --key file",
		"certificate key --seed x", "certificate key --seed -1", "certificate key -c fly",
		"certificate key -c rank_list", "keyserver", "keyserver --data missing", "keyserver --data file", "keyserver --data dir",
		"keyserver init file/keys", "keyserver init missing/keys", "keyserver init file", "keyserver init dir --client ../x",
		"keyserver init new --passphrase-file missing", "keyserver init new --host -", "keyserver refuse --data missing x", "keyserver client missing x",
		"cloud", "cloud --data missing", "cloud --data file", "cloud init file/x", "cloud init file", "dscli -cfg missing lsrank", "dscli -script missing",
		"dscli -cfg file lsrank", "dscli fly", "dscli", "rehearse missing", "rehearse missing.txt", "rehearse dir", "rehearse file", "rehearse ./file",
		"shell --seed x", "shell -c fly", "shell --script missing", "shell --kmip-certs missing", "shell --kmip-certs file", "shell missing", "shell dir",
		"src", "src zz", "src BE999999", "states --format zz", "states x", "sweep --seed x", "sweep --operation zz", "sweep --ranges x", "sweep --ranges -1",
		"sweep --point zz", "sweep --operation erase --point before@x", "version x", "completion zz", "completion", "fly", "help fly", "--fly",
	} {
		var out, errOut strings.Builder
		exit := run(strings.Fields(line), strings.NewReader(""), &out, &errOut)
		require.False(t, exit != exitDone && errOut.Len() == 0, "%s: a failure says why", line)
		for _, said := range strings.Split(errOut.String()+out.String(), "\n") {
			require.Empty(t, programmersWords.FindString(said), "%s: %s", line, said)
		}
	}
	left, err := filepath.Glob("*.part-*")
	require.NoError(t, err)
	require.Empty(t, left)
}
