package customer_test

import (
	"fmt"
	"io"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// A console of a facility asks a key server for a key, and meets what hands have broken.
func Example() {
	from := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(30, 0, 0)
	maker, err := cert.NewCA("facility factory CA", from, to, entropy.Stream(1, "maker"))
	if err != nil {
		fmt.Println(err)
		return
	}
	site, err := customer.New(customer.Config{
		Facility: "75NR641", Servers: 2, Consoles: 1, Maker: maker, From: from, To: to,
		Clock: func() time.Time { return from }, Entropy: func(component string) io.Reader { return entropy.Stream(1, component) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var network customer.Network = site // what software sees

	ask := func() {
		conn, err := network.Dial(1, "keyserver1.example.com", customer.PortKMIP)
		if err != nil {
			fmt.Println(err)
			return
		}
		shown, err := conn.Hello(true, customer.KMIP)
		fmt.Println(shown.X509().Subject.CommonName, err)
	}
	ask()
	if err := site.Stop(1); err != nil { // what hands do
		fmt.Println(err)
	}
	ask()
	// Output:
	// keyserver1.example.com <nil>
	// key server is unreachable: the host does not answer
}
