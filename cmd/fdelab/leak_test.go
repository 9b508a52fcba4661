package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/keydir"
	"github.com/seed-9d983aeb/fdelab/internal/nettest"
)

// programmersWords is what only a programmer understands; see the test of the same name of the
// console.
var programmersWords = regexp.MustCompile(`(?:^|: |\()(?:raslab|encgroup|console|proptest|tct|ipp|kmip|pki|keydir|cert|reckey|repository|flash|drive|erase|json|strconv|clouddir|objectstore): ` +
	`|\b(?:[0-9]+h)?[0-9]+m[0-9.]+s\b|<nil>|%!|\b0x[0-9a-f]{6,}|strconv\.|\bdial tcp|: (?:(?:open|mkdir) [^ ]*: |(?:lstat|stat|read) [^ ]*[/.])|\btls: |\bx509: |\bremote error\b|\.part-|map\[|&\{|runtime error`)

// leak is the first leak in an output, or "": a programmer's word, or one thing said twice in a
// row, as "connection refused: connection refused" and "127.0.0.1: 127.0.0.1:5696".
func leak(output string) string {
	for _, line := range strings.Split(output, "\n") {
		if found := programmersWords.FindString(line); found != "" {
			return found
		}
	}
	for _, text := range strings.Split(strings.Join(strings.Fields(output), " "), "; ") {
		parts := strings.Split(text, ": ")
		for i, p := range parts[1:] {
			if said := parts[i]; said != "" && (p == said || strings.HasPrefix(p, said[strings.LastIndex(said, " ")+1:]+":")) {
				return said + ": " + p
			}
		}
	}
	return ""
}

func TestLeaksAreSeen(t *testing.T) {
	for _, bad := range []string{
		"certificate: open nope: no such file or directory", "/nope/x: open /nope: no such file or directory", "connect: dial tcp: lookup x: no such host",
		"handshake: no TLS: tls: first record does not look like a TLS handshake", "refused: remote error: bad", "a: x509: certificate signed by unknown authority",
		"create: 127.0.0.1:1: connect: connection refused: connection refused", "create: 127.0.0.1: 127.0.0.1:1: connect: connection\n    refused",
		"in 120h0m0s",
	} {
		require.NotEmpty(t, leak(bad), bad)
	}
	require.Empty(t, leak("create: 127.0.0.1:1: handshake: no TLS; 127.0.0.2:1: connect: connection refused"))
}

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
		"cloud", "cloud --data missing", "cloud --data file", "cloud init file/x", "cloud init file", "drive", "drive create missing/x", "drive create file", "drive create x --label file",
		"drive info missing", "drive info dir", "drive keys file", "drive dump file --flash x", "drive lock missing --pin-file file", "drive unlock file", "drive migrate file",
		"drive erase file", "erase", "erase missing", "erase file --yes", "erase dir --yes", "erase file --plan --psid", "erase file --yes --key file", "drive revert file", "drive read file", "drive read file --lba x", "drive write file --in dir", "dscli -cfg missing lsrank", "dscli -script missing",
		"dscli -cfg file lsrank", "dscli fly", "dscli", "rehearse missing", "rehearse missing.txt", "rehearse dir", "rehearse file", "rehearse ./file",
		"shell --seed x", "shell -c fly", "shell --script missing", "shell --kmip-certs missing", "shell --kmip-certs file", "shell missing", "shell dir",
		"src", "src zz", "src BE999999", "states --format zz", "states x", "sweep --seed x", "sweep --operation zz", "sweep --ranges x", "sweep --ranges -1",
		"thief", "thief missing --plain file@1", "thief file --plain dir@1 --cipher file", "thief dir --plain file@1", "thief file --plain file@x", "thief file --plain bad.json@1 --cipher file --pin-file missing",
		"sweep --point zz", "sweep --operation erase --point before@x", "version x", "completion zz", "completion", "fly", "help fly", "--fly",
	} {
		var out, errOut strings.Builder
		exit := run(strings.Fields(line), strings.NewReader(""), &out, &errOut)
		require.False(t, exit != exitDone && errOut.Len() == 0, "%s: a failure says why", line)
		require.Empty(t, leak(errOut.String()), "%s: %s", line, errOut.String())
		require.Empty(t, leak(out.String()), "%s: %s", line, out.String())
	}
	left, err := filepath.Glob("*.part-*")
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestNoDialledServerLeaks: what a real key server does wrong is told once, in the words of the
// faults, by the shell and by dscli.
func TestNoDialledServerLeaks(t *testing.T) {
	dir := initKeyserver(t)
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, keydir.Server+".crt"), filepath.Join(dir, keydir.Server+".key"))
	require.NoError(t, err)
	refuses := tls.Config{
		Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert,
		VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { return errors.New("not this one") },
	}
	for name, c := range map[string]struct {
		addr, want string
	}{
		"no TLS":          {listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.example.com ready\r\n") }), "handshake: no TLS"},
		"refused":         {freeAddr(t), "connect: connection refused"},
		"bad certificate": {listen(t, func(c net.Conn) { _ = tls.Server(c, &refuses).Handshake() }), "Discover Versions: client certificate refused"},
		"TLS of another time": {listen(t, func(c net.Conn) {
			_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake()
		}), "handshake: TLS handshake failed"},
		"hang-up": {listen(t, func(net.Conn) {}), "handshake: connection closed by the server"},
	} {
		t.Run(name, func(t *testing.T) {
			p := port(t, c.addr)
			setup := fmt.Sprintf("lab new keyservers=0; keymgr make addr=127.0.0.1 port=%s; keymgr make addr=localhost port=%s", p, freePort(t))
			_, out, said := play(t, "shell", "--kmip-certs", dir, "-c", setup+"; keygrp configure; event list; keymgr list")
			require.Empty(t, leak(out+said), out+said)
			require.Contains(t, strings.Join(strings.Fields(out), " "), "create: "+c.addr+": "+c.want+"; localhost:")
			_, out, said = play(t, "dscli", "-kmip-certs", dir, "-setup-command", setup, "managekeygrp", "-action", "configure", "1")
			require.Empty(t, leak(out+said), out+said)
		})
	}
	_, out, said := play(t, "shell", "-c", "keygrp configure; keyserver key keyserver=1 to=destroyed in=5d; keymgr make addr=192.168.1.300; shelf create file=/nope/x serial=A; shelf open file=nope")
	require.Empty(t, leak(out+said), out+said)
	for _, want := range []string{"destroyed in 5 days", `"192.168.1.300" is not an address: use`, "error: /nope/x: no such file or directory", "nope: no such file or directory"} {
		require.Contains(t, strings.Join(strings.Fields(said+out), " "), want)
	}
	_, _, said = play(t, "certificate", "verify", "nope")
	require.Equal(t, "fdelab: error: certificate: nope: no such file or directory\n", said)
}

func freePort(t *testing.T) string { return port(t, freeAddr(t)) }

// listen plays a server on loopback that does f with each connection, and closes it.
func listen(t *testing.T, f func(net.Conn)) (addr string) {
	t.Helper()
	return nettest.Serve(t, nettest.Loopback, func(c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		f(c)
	})
}
