package kmip_test

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/server"
)

// The profile for storage arrays with self-encrypting drives, step by step:
// what a facility and its key server say to one another.
func Example() {
	addr, client, stop := startServer()
	defer stop()
	c, err := kmip.Dial(kmip.Config{Addr: addr, TLS: client, Clock: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	// Can the server do what is needed?
	s, err := c.Query(kmip.QueryOperations, kmip.QueryObjects, kmip.QueryServerInformation)
	fmt.Println("query:", s.Vendor, slices.Contains(s.Operations, kmip.OpRegister), slices.Contains(s.Objects, kmip.SecretData), err)

	// The name must be free before a key is registered under it.
	name, isSecret := kmip.NameOf("75NR641 R1-I1-D05"), kmip.EnumOf(kmip.AttrObjectType, kmip.SecretData)
	found, err := c.Locate(0, name, isSecret)
	fmt.Println("locate:", len(found), err)
	key := kmip.Object{Type: kmip.SecretData, Secret: kmip.Password, KeyFormat: kmip.FormatOpaque, Material: make([]byte, 32)}
	uid, err := c.Register(&key, kmip.TextOf(kmip.AttrObjectGroup, "75NR641"), name,
		kmip.TextOf("x-ArraySite", "S3"), kmip.TextOf("x-Model", "an imagined one"))
	fmt.Println("register:", len(uid), err)

	// After a loss of power: all keys of this array.
	found, err = c.Locate(0, kmip.TextOf(kmip.AttrObjectGroup, "75NR641"))
	fmt.Println("locate:", len(found), found[0] == uid, err)
	attrs, err := c.GetAttributes(uid, kmip.AttrObjectGroup, "x-ArraySite", kmip.AttrState)
	fmt.Println("get attributes:", attrs, err)
	o, err := c.Get(uid)
	defer o.Clear()
	fmt.Println("get:", o, err)

	fmt.Println("destroy:", c.Destroy(uid))
	found, err = c.Locate(0, name, isSecret)
	fmt.Println("locate:", len(found), err)
	// Output:
	// query: fdelab key server true true <nil>
	// locate: 0 <nil>
	// register: 32 <nil>
	// locate: 1 true <nil>
	// get attributes: [Object Group="75NR641" x-ArraySite="S3" State=Pre-Active] <nil>
	// get: Secret Data of 32 bytes <nil>
	// destroy: <nil>
	// locate: 0 <nil>
}

// A group of drives keeps its data key on two ways to a KMIP server.
func ExampleKeyServer() {
	addr, client, stop := startServer()
	defer stop()
	var servers []encgroup.KeyServer
	for _, id := range []string{"vinz", "zuul"} {
		servers = append(servers, kmip.NewKeyServer(id, kmip.Config{Addr: addr, TLS: client, Clock: time.Now},
			kmip.Profile{Group: "75NR641", Entropy: rand.Reader}))
	}
	store := &encgroup.MemStore{}
	group := encgroup.New(servers, entropy.Stream(7, "group"), store)
	fmt.Println("configure:", group.Configure("rank keys"))
	group.PowerOff()
	fmt.Println("retrieve:", group.Retrieve(), group.State())

	stop()
	group.PowerOff()
	err := group.Retrieve()
	fmt.Println("unreachable:", errors.Is(err, encgroup.ErrUnreachable), kmip.FaultOf(err))
	// Output:
	// configure: <nil>
	// retrieve: <nil> accessible
	// unreachable: true connection refused
}

// startServer runs a key server on a free port, and makes a certificate for a client.
func startServer() (addr string, client *tls.Config, stop func()) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	dir, err := os.MkdirTemp("", "keyserver")
	must(err)
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	ca, err := pki.NewCA(pki.Request{Name: "CA", From: from, To: to}, rand.Reader)
	must(err)
	own, err := ca.Server(pki.Request{Name: "server", Hosts: []string{"127.0.0.1"}, From: from, To: to}, rand.Reader)
	must(err)
	other, err := ca.Client(pki.Request{Name: "facility", From: from, To: to}, rand.Reader)
	must(err)
	path, master := filepath.Join(dir, "keys.db"), server.Unlock{Key: &secret.Key32{1}}
	must(server.CreateStore(path, master, rand.Reader))
	store, err := server.OpenStore(path, master, rand.Reader)
	must(err)
	s := server.New(server.Config{
		Store: store, Clock: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		TLS: &tls.Config{Certificates: []tls.Certificate{own.TLS()}, ClientCAs: ca.Pool()},
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		must(s.Close())
		<-done
		must(store.Close())
		must(os.RemoveAll(dir))
	}
	return l.Addr().String(), &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{other.TLS()}}, stop
}
