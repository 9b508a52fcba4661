package cert_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
)

func Example() {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ca, _ := cert.NewCA("lab", begin, begin.AddDate(10, 0, 0), entropy.Stream(7, "CA"))
	server, err := ca.Issue(cert.Request{Name: "key server", Hosts: []string{"vinz"}, From: begin, To: begin.AddDate(1, 0, 0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(server)
	june, later := begin.AddDate(0, 5, 0), begin.AddDate(2, 0, 0)
	trust := cert.NewTrust(ca.Certificate())
	fmt.Println("in June:", trust.Verify(server, "vinz", cert.Server, june), server.Valid(june))
	fmt.Println("expired:", errors.Is(trust.Verify(server, "vinz", cert.Server, later), cert.ErrExpired))
	fmt.Println("wrong name:", errors.Is(trust.Verify(server, "zuul", cert.Server, june), cert.ErrWrongName))
	// Output:
	// certificate of key server by lab until 2027-01-01T00:00:00Z
	// in June: <nil> true
	// expired: true
	// wrong name: true
}
