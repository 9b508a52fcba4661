//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
)

// play runs the program in this process.
func play(t testing.TB, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e strings.Builder
	code = run(args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func port(t testing.TB, addr string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return p
}

// freeAddr is an address at which nobody listens, with a port that the kernel gives to no
// outgoing connection, so that it stays free.
func freeAddr(t testing.TB) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(22000)))
		if err != nil {
			continue
		}
		require.NoError(t, l.Close())
		return l.Addr().String()
	}
}

// facilityWith is a facility with two key managers on loopback and an encrypted rank,
// and what is done with it then.
func facilityWith(one, two, then string) string {
	return fmt.Sprintf("lab new keyservers=0; keymgr make addr=127.0.0.1 port=%s; keymgr make addr=localhost port=%s; keygrp configure; "+
		"array create site=S1; rank create array=A0 keygrp=1; %s", one, two, then)
}

func TestFacilityWithRealKeyServer(t *testing.T) {
	t.Parallel()
	pair := newServerPair(t)
	pair.start(0)
	pair.start(1)
	pair.linked()
	dir, p, q := pair.dir[0], port(t, pair.addr[0]), port(t, pair.addr[1])

	code, out, said := play(t, "shell", "--kmip-certs", dir, "-c", facilityWith(p, q, "power cycle; event list; keymgr list; keymgr show keymgr=1"))
	require.Equal(t, exitDone, code, "%s%s", out, said)
	require.Contains(t, out, "7 drives unlocked", "after the power cycle the key came from the real server")
	require.Contains(t, out, "no serviceable event is open")
	require.Contains(t, out, "tls, KMIP, version 1.4")
	require.Regexp(t, `certif. +of the server: expires 20`, out)
	require.Regexp(t, `data key +pre-active`, out)
	require.Regexp(t, `KMIP +127\.0\.0\.1 +`+p, out, "the list shows the real address")

	code, out, said = play(t, "dscli", "-kmip-certs", dir, "-bnr", "off", "-setup-command", facilityWith(p, q, "time advance by=8h"), "lskeymgr", "-l")
	require.Equal(t, exitDone, code, "%s%s", out, said)
	require.Contains(t, out, "127.0.0.1", "DSCLI shows it too")

	code, out, _ = play(t, "shell", "--kmip-certs", dir, "-c", "keygrp configure; keymgr list; power cycle")
	require.Equal(t, exitDone, code, out)
	require.Contains(t, out, "key group 1 is accessible", "key servers of the simulated network stay simulated")

	code, out, said = play(t, "shell", "-c", facilityWith(p, q, ""))
	require.Equal(t, exitFailed, code, "%s%s", out, said)
	require.Contains(t, out, "the name has no address", "without the flags nothing is dialled")

	stranger := filepath.Join(initKeyserver(t), "ca.crt")
	code, out, _ = play(t, "shell", "--kmip-certs", dir, "--kmip-ca", stranger, "-c", facilityWith(p, q, ""))
	require.Equal(t, exitFailed, code, out)
	require.Contains(t, out, "unknown CA", "the server is known by another authority")
	own := filepath.Join(dir, "ca.crt")
	given := strings.ReplaceAll(facilityWith(p, q, "power cycle"), "port=", "certificate="+own+" port=")
	code, out, said = play(t, "shell", "--kmip-certs", dir, "--kmip-ca", stranger, "-c", given)
	require.Equal(t, exitDone, code, "the authority that a key manager was given comes first: %s%s", out, said)
}

// TestOneRealServerByTwoNames: it is one server, whatever it is called.
func TestOneRealServerByTwoNames(t *testing.T) {
	dir := initKeyserver(t)
	k := startKeyserver(t, dir)
	p := port(t, k.addr)
	code, out, said := play(t, "shell", "--kmip-certs", dir, "-c", facilityWith(p, p, ""))
	require.Equal(t, exitCannot, code, "%s%s", out, said)
	require.Contains(t, strings.Join(strings.Fields(said), " "), "key managers 1 and 2 are one: both connections end at 127.0.0.1:"+p)
	require.NotContains(t, out, "key group 1 is accessible")
}

// TestStateOfARealKey: what the customer does to the data key at a real server is told of, and the
// facility goes on while the key is given.
func TestStateOfARealKey(t *testing.T) {
	pair := newServerPair(t)
	pair.start(0)
	pair.start(1)
	pair.linked()
	c := converse(t, "shell", "--kmip-certs", pair.dir[0])
	require.Contains(t, c.says(facilityWith(port(t, pair.addr[0]), port(t, pair.addr[1]), "")), "key group 1")
	k, err := kmip.Dial(pair.config(0))
	require.NoError(t, err)
	defer k.Close()
	found, err := k.Locate(0, kmip.EnumOf(kmip.AttrObjectType, kmip.SecretData))
	require.NoError(t, err)
	require.Len(t, found, 1)
	for _, step := range []struct {
		do    func() error
		says  string
		fails bool
	}{
		{func() error { return k.Activate(found[0]) }, "key manager 1: success", false},
		{func() error {
			return k.AddAttribute(found[0], kmip.DateOf(kmip.AttrDeactivationDate, time.Now().Add(1000*time.Hour)))
		}, "the data key is deactivated on", false},
		{func() error { return k.Revoke(found[0], kmip.RevokedSuperseded, "", time.Time{}) }, "the data key is deactivated", false},
		{func() error { return k.Revoke(found[0], kmip.RevokedKeyCompromise, "", time.Now().Add(-time.Hour)) }, "the data key is compromised since", false},
		{func() error { return k.Destroy(found[0]) }, "key manager 1: failed", true},
	} {
		require.NoError(t, step.do())
		out := strings.Join(strings.Fields(c.says("keygrp testaccess; keymgr list; keygrp show")), " ")
		require.Contains(t, out, step.says)
		require.Equal(t, step.fails, strings.Contains(out, "failed: "), out)
	}
	require.NotContains(t, c.says("keygrp newdatakey"), "failed", "it is exchanged")
	require.NotContains(t, c.says("keygrp testaccess; keygrp show"), "the data key is")
}

// TestRealServerGoesDown: the code follows from the socket, and its location is
// the real address.
func TestRealServerGoesDown(t *testing.T) {
	t.Parallel()
	pair := newServerPair(t)
	pair.start(0)
	pair.start(1)
	pair.linked()
	dir, p, q := pair.dir[0], port(t, pair.addr[0]), port(t, pair.addr[1])
	gone := port(t, freeAddr(t))
	code, out, said := play(t, "shell", "--kmip-certs", dir, "-c",
		facilityWith(p, q, "keymgr change keymgr=2 port="+gone+"; time advance by=8h; keymgr change keymgr=1 port="+gone+"; power cycle"))
	require.Equal(t, exitFailed, code, "%s%s", out, said)
	require.Contains(t, out, "BE14EAF3, KS2-localhost", "one server is silent in the periodic retrieval")
	require.Contains(t, out, "BE14E008, ", "at the IML none can be reached")
	require.Contains(t, out, "KS1-127.0.0.1")
}

func TestRealServerFlagsAreChecked(t *testing.T) {
	dir := initKeyserver(t)
	other := initKeyserver(t)
	crt, key := filepath.Join(dir, "facility.crt"), filepath.Join(dir, "facility.key")
	broken := filepath.Join(t.TempDir(), "broken.pem")
	require.NoError(t, os.WriteFile(broken, []byte("-----BEGIN CERTIFICATE-----\nno base64"), 0o600))
	for command, hint := range map[string]string{
		"shell": "give --kmip-certs, or all of --kmip-ca, --kmip-cert and --kmip-key\n",
		"dscli": "give -kmip-certs, or all of -kmip-ca, -kmip-cert and -kmip-key\n",
	} {
		dash, _, _ := strings.Cut(strings.TrimPrefix(hint, "give "), "kmip")
		_, _, said := play(t, command, dash+"kmip-ca", crt)
		require.Contains(t, said, "hint: "+hint, "the flags as the command takes them")
		_, _, said = play(t, command, dash+"kmip-certs", dir, dash+"kmip-timeout", "0")
		require.Contains(t, said, command+": "+dash+`kmip-timeout "0", need a time such as 5s`)
		_, help, _ := play(t, command, "--help")
		require.Contains(t, strings.Join(strings.Fields(help), " "), "in place of ca.crt of "+dash+"kmip-certs")
	}
	for _, c := range []struct {
		want  int
		says  string
		flags []string
	}{
		{exitUsage, "need an authority, a certificate and its key", []string{"-kmip-ca", crt}},
		{exitUsage, "need an authority, a certificate and its key", []string{"-kmip-timeout", "5s"}},
		{exitUsage, `kmip-timeout "soon", need a time such as 5s`, []string{"-kmip-certs", dir, "-kmip-timeout", "soon"}},
		{exitUsage, `kmip-timeout "0s"`, []string{"-kmip-certs", dir, "-kmip-timeout", "0s"}},
		{exitCannot, "no such file or directory", []string{"-kmip-certs", filepath.Join(dir, "nowhere")}},
		{exitCannot, "holds no certificate in PEM", []string{"-kmip-certs", dir, "-kmip-ca", broken}},
		{exitCannot, "private key does not match public key", []string{"-kmip-certs", dir, "-kmip-key", filepath.Join(other, "facility.key")}},
		{exitCannot, "failed to find certificate PEM data", []string{"-kmip-certs", dir, "-kmip-cert", key}},
	} {
		for _, command := range []string{"shell", "dscli"} {
			args := []string{command}
			for _, f := range c.flags {
				if command == "shell" && strings.HasPrefix(f, "-kmip") {
					f = "-" + f
				}
				args = append(args, f)
			}
			if command == "shell" {
				args = append(args, "-c", "lab show")
			} else {
				args = append(args, "lskeymgr")
			}
			code, out, said := play(t, args...)
			require.Equal(t, c.want, code, "%v: %s", args, said)
			require.Contains(t, said, c.says, "%v", args)
			require.Contains(t, said, "error: "+command+": ", "it says which command")
			require.Empty(t, out, "nothing was done")
			require.NotContains(t, said, "PRIVATE KEY", "no key is printed")
		}
	}
}

// pykmip starts PyKMIP's server with the certificates of a directory, on a
// database that several may share.
func pykmip(t *testing.T, dir, database string) string {
	t.Helper()
	python := ""
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(p, "-c", "import kmip").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		t.Skip("skipped: install python3-pykmip")
	}
	port := port(t, freeAddr(t))
	at, file := t.TempDir(), func(name string) string { return filepath.Join(dir, name) }
	conf := fmt.Sprintf("[server]\nhostname=127.0.0.1\nport=%s\ncertificate_path=%s\nkey_path=%s\nca_path=%s\nauth_suite=TLS1.2\n"+
		"policy_path=%s\nenable_tls_client_auth=True\nlogging_level=ERROR\ndatabase_path=%s\n",
		port, file("server.crt"), file("server.key"), file("ca.crt"), at, database)
	require.NoError(t, os.WriteFile(filepath.Join(at, "server.conf"), []byte(conf), 0o600))
	var said safeBuffer
	cmd := exec.Command(python, "-W", "ignore", "-c", "from kmip.services.server import server; server.main()",
		"-f", filepath.Join(at, "server.conf"), "-l", filepath.Join(at, "log"))
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it forks
	cmd.WaitDelay = time.Second
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	cfg := (&keyserver{addr: "127.0.0.1:" + port}).config(t, dir, "facility")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		c, err := kmip.Dial(cfg)
		if err == nil {
			require.NoError(t, c.Close())
			return port
		}
		require.True(t, time.Now().Before(deadline), "PyKMIP's server answers: %v\n%s", err, said.String())
	}
}

// TestFacilityWithPyKMIP: key servers by others do as well. A new data key counts
// only once a second server gives it back.
func TestFacilityWithPyKMIP(t *testing.T) {
	t.Parallel()
	dir, databases := initKeyserver(t), t.TempDir()
	one := pykmip(t, dir, filepath.Join(databases, "one.db"))
	two := pykmip(t, dir, filepath.Join(databases, "one.db"))
	alone := pykmip(t, dir, filepath.Join(databases, "two.db"))

	code, out, said := play(t, "shell", "--kmip-certs", dir, "--kmip-timeout", "30s", "-c", facilityWith(one, two, "power cycle; event list"))
	require.Equal(t, exitDone, code, "%s%s", out, said)
	require.Contains(t, out, "7 drives unlocked", "two servers with one database are a customer's replicated pair")
	require.Contains(t, out, "no serviceable event is open")

	code, out, said = play(t, "shell", "--kmip-certs", dir, "--kmip-timeout", "30s", "-c", facilityWith(one, alone, ""))
	require.Equal(t, exitFailed, code, "%s%s", out, said)
	require.NotContains(t, out, "is accessible", "the second server does not have the new key: it does not count")
	require.Contains(t, strings.Join(strings.Fields(out), " "), "localhost:"+alone+": Locate: no such key", "and the facility says why")
}
