package pki_test

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

func Example() {
	now := time.Now()
	r := pki.Request{Name: "authority", From: now.Add(-time.Hour), To: now.Add(time.Hour)}
	ca, err := pki.NewCA(r, rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Name = "facility"
	client, err := ca.Client(r, rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Cert.Subject)
	_, err = client.Cert.Verify(x509.VerifyOptions{Roots: ca.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	fmt.Println(err)
	// Output:
	// CN=facility,O=fdelab
	// <nil>
}
