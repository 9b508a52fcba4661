package server_test

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/keydir"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

// A key server from its directory, and a client of it.
func Example() {
	if err := example(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// a key of 32 bytes: Symmetric Key of 32 bytes
	// State=Pre-Active
	// the server is closed
}

func example() error {
	parent, err := os.MkdirTemp("", "keyserver")
	if err != nil {
		return err
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "keys")
	err = keydir.Init(dir, keydir.Options{Hosts: []string{"127.0.0.1"}, Clients: []string{"facility"}, Now: time.Now(), Entropy: rand.Reader})
	if err != nil {
		return err
	}
	store, cfg, err := keydir.Open(dir, nil, rand.Reader)
	if err != nil {
		return err
	}
	defer store.Close()
	s := server.New(server.Config{Store: store, TLS: cfg, Clock: time.Now, Log: slog.Default()})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	defer func() {
		_ = s.Close()
		fmt.Println(<-done)
	}()

	own, err := pki.Read(filepath.Join(dir, "facility"))
	if err != nil {
		return err
	}
	ca, err := pki.ReadPool(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return err
	}
	c, err := kmip.Dial(kmip.Config{
		Addr: l.Addr().String(), Clock: time.Now,
		TLS: &tls.Config{RootCAs: ca, Certificates: []tls.Certificate{own.TLS()}},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	uid, err := c.Create(kmip.EnumOf(kmip.AttrAlgorithm, kmip.AES), kmip.IntOf(kmip.AttrLength, 256), kmip.UsageOf(kmip.UsageEncrypt))
	if err != nil {
		return err
	}
	key, err := c.Get(uid)
	if err != nil {
		return err
	}
	defer key.Clear()
	fmt.Printf("a key of %d bytes: %v\n", len(key.Material), key)
	state, err := c.GetAttributes(uid, kmip.AttrState)
	if err != nil {
		return err
	}
	fmt.Println(state[0])
	return nil
}
