package customer

import (
	"crypto/x509"
	"slices"

	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// Product is the software that a key server runs: those that MAP4980 names. What differs
// between them is from the makers' manuals, from memory (assumptions).
type Product string

// The products.
const (
	// Generic speaks everything, and takes whom its authorities know.
	Generic Product = "generic"
	// TKLM is IBM Tivoli Key Lifecycle Manager: IPP with TLS and without, no KMIP.
	TKLM Product = "TKLM"
	// SKLM is IBM Security Key Lifecycle Manager: KMIP up to 1.2 and IPP. A client
	// certificate that it has not seen waits until its administrator accepts it.
	SKLM Product = "SKLM"
	// KeySecure is Gemalto SafeNet KeySecure: KMIP up to 1.1 over TLS, no IPP. It does not
	// know the authority of the facility's maker before its administrator trusts it.
	KeySecure Product = "KeySecure"
)

// Products lists them.
func Products() []Product { return []Product{Generic, TKLM, SKLM, KeySecure} }

// kmipNewest is the newest version of KMIP that a product speaks; the facility speaks 1.0 to
// 1.4. "" is none.
var kmipNewest = map[Product]string{Generic: "1.4", SKLM: "1.2", KeySecure: "1.1"}

// speaks says what a product listens for.
func (p Product) speaks(key KeyProtocol) bool {
	switch p {
	case TKLM:
		return key == IPP
	case KeySecure:
		return key == KMIP
	}
	return true
}

// Product is what the key server runs.
func (k *KeyServer) Product() Product { return k.product }

// KMIP is the version in which facility and key server speak it, "" if the product does
// not.
func (k *KeyServer) KMIP() string { return kmipNewest[k.Product()] }

// Install replaces the software of the key server. It keeps its keys and its own
// certificate, and knows only those clients that the product knows when it is new.
func (k *KeyServer) Install(p Product) error {
	if !slices.Contains(Products(), p) {
		return request.Refuse(request.ErrInvalid, "keyserver product", "product "+string(p), "generic, TKLM, SKLM and KeySecure are right")
	}
	k.product, k.accepted, k.pending = p, nil, nil
	k.trusts.Believe(k.site.maker(), p != KeySecure)
	k.site.logf("key server", "%s runs %s", k.Name, p)
	return nil
}

// Accept takes the client certificate that waits, as the administrator of an SKLM
// does.
func (k *KeyServer) Accept() error {
	if k.pending == nil {
		return request.Refuse(request.ErrState, "keyserver accept", "no client certificate waits at "+k.Name, "SKLM keeps one when a client connects that it does not know")
	}
	k.site.logf("key server", "%s accepts the client certificate of %s", k.Name, k.pending.Subject.CommonName)
	k.accepted, k.pending = append(k.accepted, k.pending), nil
	return nil
}

// knows says whether the product takes a client whose certificate verifies. One that it
// does not know yet waits from then on.
func (k *KeyServer) knows(client *x509.Certificate) bool {
	if k.product != SKLM || slices.ContainsFunc(k.accepted, client.Equal) {
		return true
	}
	k.pending = client
	return false
}
