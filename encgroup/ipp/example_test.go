package ipp_test

import (
	"fmt"
	"net"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
)

// Two key servers with a key pair each: one makes and wraps the data key, the
// other one opens it with its own pair. Neither keeps it.
func Example() {
	pair := func(label string) ipp.KeyPair {
		key, err := ipp.GenerateKey(entropy.Stream(7, label))
		if err != nil {
			panic(err)
		}
		p, _ := ipp.NewKeyPair(label, key)
		return p
	}
	east, west := pair("east"), pair("west")

	safe := &ipp.MemSafe{}
	var servers []encgroup.KeyServer
	for id, pairs := range [][]ipp.KeyPair{{east, west.Public()}, {west, east.Public()}} {
		s, _ := ipp.NewServer(ipp.ServerConfig{
			Pairs: pairs, Devices: []string{"75NR641"}, Entropy: entropy.Stream(7, fmt.Sprint("server ", id)), Clock: time.Now, Timeout: time.Minute, Conns: 10,
		})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fmt.Println(err)
			return
		}
		go func() { _ = s.Serve(l) }()
		defer func() { _ = s.Close() }()
		c, _ := ipp.NewClient(ipp.ClientConfig{
			ID: fmt.Sprint("server ", id), Device: "75NR641", Labels: [2]string{"east", "west"}, Safe: safe, Entropy: entropy.Stream(7, "sessions"),
			Clock: time.Now, Timeout: time.Minute,
			Dial: func(t time.Duration) (net.Conn, error) { return net.DialTimeout("tcp", l.Addr().String(), t) },
		})
		servers = append(servers, c)
	}
	group := encgroup.New(servers, entropy.Stream(7, "group"), &encgroup.MemStore{})
	fmt.Println("configure:", group.Configure("rank keys"))
	group.PowerOff()
	fmt.Println("retrieve:", group.Retrieve())
	fmt.Println(group)
	// Output:
	// configure: <nil>
	// retrieve: <nil>
	// encryption group accessible, 0 members
}
