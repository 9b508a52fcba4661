//go:build unix

package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// servers is what the key server does over mutual TLS on loopback.
func servers() (all []row) {
	for _, objects := range []int{1_000, 10_000, 100_000} {
		all = append(all, row{
			name: fmt.Sprintf("Locate of ten among %d objects", objects), peer: "Get", most: 2 * time.Millisecond,
			prepare: func() (ours, theirs side, stop func(), err error) { return locate(objects) },
		})
	}
	return append(all, row{
		name: "Get of a key, one connection", peer: "PyKMIP", ratio: 0.05, wall: true, skip: noPyKMIP(), prepare: getBoth,
	})
}

// keys are a certificate authority and a server's and a client's certificate in a directory.
type keys struct {
	dir        string
	ca         *pki.Pair
	own, their *pki.Pair // client, server
}

func newKeys() (*keys, error) {
	dir, err := os.MkdirTemp("", "fdelab-bench-")
	if err != nil {
		return nil, err
	}
	k := &keys{dir: dir}
	ask := func(name string, hosts ...string) pki.Request {
		return pki.Request{Name: name, Hosts: hosts, From: time.Now().Add(-time.Hour), To: time.Now().Add(24 * time.Hour)}
	}
	if k.ca, err = pki.NewCA(ask("bench CA"), rand.Reader); err != nil {
		return nil, err
	}
	if k.own, err = k.ca.Client(ask("client"), rand.Reader); err != nil {
		return nil, err
	}
	if k.their, err = k.ca.Server(ask("server", "127.0.0.1"), rand.Reader); err != nil {
		return nil, err
	}
	return k, errors.Join(k.ca.Write(k.at("ca")), k.their.Write(k.at("server")))
}

func (k *keys) at(name string) string { return filepath.Join(k.dir, name) }

func (k *keys) remove() { _ = os.RemoveAll(k.dir) }

func (k *keys) dial(addr string) (*kmip.Client, error) {
	return kmip.Dial(kmip.Config{
		Addr: addr, Clock: time.Now, Timeout: time.Minute,
		TLS: &tls.Config{RootCAs: k.ca.Pool(), Certificates: []tls.Certificate{k.own.TLS()}},
	})
}

// serve runs our server.
func (k *keys) serve() (addr string, stop func(), err error) {
	unlock := server.Unlock{Key: &secret.Key32{1}}
	if err := server.CreateStore(k.at("keys.db"), unlock, rand.Reader); err != nil {
		return "", nil, err
	}
	store, err := server.OpenStore(k.at("keys.db"), unlock, rand.Reader)
	if err != nil {
		return "", nil, err
	}
	s := server.New(server.Config{
		Store: store, Clock: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		TLS: &tls.Config{Certificates: []tls.Certificate{k.their.TLS()}, ClientCAs: k.ca.Pool()},
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go func() { _ = s.Serve(l) }() // until Close
	return l.Addr().String(), func() { _ = errors.Join(s.Close(), store.Close()) }, nil
}

func password() *kmip.Object {
	return &kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: bytes.Repeat([]byte{7}, 32)}
}

// calls is a side of n calls. It counts processor time of both ends.
func calls(f func() error, clock func() time.Duration) side {
	return func(n int) (time.Duration, error) {
		start := clock()
		for range n {
			if err := f(); err != nil {
				return 0, err
			}
		}
		return clock() - start, nil
	}
}

var begin = time.Now()

func elapsed() time.Duration { return time.Since(begin) }

// locate fills a server. Beside Locate it measures Get, which costs as much on the wire.
func locate(objects int) (ours, theirs side, stop func(), err error) {
	k, err := newKeys()
	if err != nil {
		return nil, nil, nil, err
	}
	addr, end, err := k.serve()
	if err != nil {
		return nil, nil, nil, err
	}
	c, err := k.dial(addr)
	if err != nil {
		return nil, nil, nil, err
	}
	create := kmip.RequestItem{Op: kmip.OpCreate, Payload: ttlv.Struct(0, ttlv.Enum(kmip.TagObjectType, kmip.SymmetricKey),
		kmip.TemplateOf(kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256), kmip.UsageOf(kmip.UsageEncrypt)))}
	const batch = 1_000
	for done := 0; done < objects; done += batch {
		var q kmip.Request
		for n := range batch {
			create.ID = fmt.Appendf(nil, "%d", n)
			q.Items = append(q.Items, create)
		}
		if _, err := c.Do(&q); err != nil {
			return nil, nil, nil, err
		}
	}
	uids, err := c.Locate(10)
	if err != nil || len(uids) != 10 {
		return nil, nil, nil, fmt.Errorf("the search Locate found %d objects: %w", len(uids), err)
	}
	ours = calls(func() error {
		_, err := c.Locate(10)
		return err
	}, used)
	return ours, calls(get(c, uids[0]), used), func() { _ = c.Close(); end(); k.remove() }, nil
}

func get(c *kmip.Client, uid string) func() error {
	return func() error {
		o, err := c.Get(uid)
		o.Clear()
		return err
	}
}

// getBoth runs our server and PyKMIP's, and one client for each. Both sides are measured by the
// clock: PyKMIP's server is another process.
func getBoth() (ours, theirs side, stop func(), err error) {
	k, err := newKeys()
	if err != nil {
		return nil, nil, nil, err
	}
	addr, end, err := k.serve()
	if err != nil {
		return nil, nil, nil, err
	}
	other, kill, err := k.servePyKMIP()
	if err != nil {
		return nil, nil, nil, err
	}
	stop = func() { end(); kill(); k.remove() }
	var sides []side
	for _, at := range []string{addr, other} {
		c, err := k.dialUntil(at, 30*time.Second)
		if err != nil {
			stop()
			return nil, nil, nil, fail("a client of "+at, err)
		}
		uid, err := c.Register(password(), kmip.UsageOf(0))
		if err != nil {
			stop()
			return nil, nil, nil, err
		}
		sides = append(sides, calls(get(c, uid), elapsed))
	}
	return sides[0], sides[1], stop, nil
}

// dialUntil waits for a server that starts.
func (k *keys) dialUntil(addr string, most time.Duration) (*kmip.Client, error) {
	for end := time.Now().Add(most); ; time.Sleep(100 * time.Millisecond) {
		c, err := k.dial(addr)
		if err == nil || time.Now().After(end) {
			return c, err
		}
	}
}

// python is one that has PyKMIP.
func python() string {
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(p, "-c", "import kmip").Run() == nil {
			return p
		}
	}
	return ""
}

func noPyKMIP() string {
	if python() == "" {
		return "PyKMIP is not installed (python3-pykmip)"
	}
	return ""
}

func (k *keys) servePyKMIP() (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr = l.Addr().String()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := errors.Join(l.Close(), os.Mkdir(k.at("policy"), 0o700)); err != nil {
		return "", nil, err
	}
	conf := fmt.Sprintf("[server]\nhostname=127.0.0.1\nport=%s\ncertificate_path=%s.crt\nkey_path=%s.key\nca_path=%s.crt\n"+
		"auth_suite=TLS1.2\npolicy_path=%s\nenable_tls_client_auth=True\nlogging_level=ERROR\ndatabase_path=%s\n",
		port, k.at("server"), k.at("server"), k.at("ca"), k.at("policy"), k.at("pykmip.db"))
	if err := os.WriteFile(k.at("server.conf"), []byte(conf), 0o600); err != nil {
		return "", nil, err
	}
	cmd := exec.Command(python(), "-W", "ignore", "-c", "from kmip.services.server import server; server.main()",
		"-f", k.at("server.conf"), "-l", k.at("pykmip.log"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it forks
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	return addr, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}, nil
}
