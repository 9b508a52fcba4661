package ipp

import (
	"crypto/rsa"

	"github.com/seed-9d983aeb/fdelab/internal/image"
)

// keptPair is what an image has of a key pair.
type keptPair struct {
	label   string
	public  *rsa.PublicKey
	private *rsa.PrivateKey
}

func init() {
	image.Register(
		image.As(func(p *KeyPair) (keptPair, error) {
			k := keptPair{label: p.Label, public: p.public}
			if p.private != nil {
				k.private = p.private()
			}
			return k, nil
		}, func(k keptPair) (KeyPair, error) {
			p := KeyPair{Label: k.label, public: k.public}
			if k.private != nil {
				p.private = func() *rsa.PrivateKey { return k.private }
			}
			return p, nil
		}),
		image.Outside(errFrame, ErrNotKept),
	)
}
