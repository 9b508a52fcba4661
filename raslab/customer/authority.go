package customer

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// Certificates are real X.509, made and judged by package cert from the customer's stream of
// randomness and on the virtual clock.

// authority is an authority by what it is to the facility; "" is the customer's.
func (s *Site) authority(op, issuer string) (*cert.CA, error) {
	switch issuer {
	case "", "customer":
		return s.own, nil
	case "factory":
		return s.config.Maker, nil
	case "unknown":
		return s.stranger, nil
	}
	return nil, request.Refuse(request.ErrInvalid, op, fmt.Sprintf("issuer %q", issuer), "customer, factory and unknown are right")
}

func issue(by *cert.CA, name string, use cert.Use, from, to time.Time) (*cert.Certificate, error) {
	q := cert.Request{Name: name, From: from, To: to, Use: use}
	if use == cert.Server {
		q.Hosts = []string{name}
	}
	c, err := by.Issue(q)
	if err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	return c, nil
}

// Authority is the certificate of an authority in PEM: "customer" signs the
// certificates of the key servers, "factory" the facility's default one, and "unknown"
// is one that nobody here trusts unless told to.
func (s *Site) Authority(issuer string) ([]byte, error) {
	a, err := s.authority("certificate authority", issuer)
	if err != nil {
		return nil, err
	}
	return a.PEM(), nil
}

// ClientCertificate signs a client certificate for the facility, valid for life from now (0: as
// long as the first certificates), and gives it with its private key, in PEM. It is what an
// operator imports at the facility, and a secret.
func (s *Site) ClientCertificate(life time.Duration) ([]byte, error) {
	now, to := s.config.Clock(), s.config.To
	if life > 0 {
		to = now.Add(life)
	}
	c, err := issue(s.own, "facility "+s.config.Facility, cert.Client, now, to)
	if err != nil {
		return nil, err
	}
	certificates, key, err := c.PEM()
	if err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	return append(certificates, key...), nil
}

// Reissue gives the key server a new certificate. By its issuer (as of Site.Authority), the name
// that it is made out to ("" is the server's own) and its life it is good or bad; the facility
// finds out at its next connection. A negative life is one that is past.
func (k *KeyServer) Reissue(issuer, name string, life time.Duration) error {
	a, err := k.site.authority("keyserver certificate", issuer)
	if err != nil {
		return err
	}
	now := k.site.config.Clock()
	if name == "" {
		name = k.Name
	}
	if life == 0 {
		life = k.site.config.To.Sub(now)
	}
	from := now
	if life < 0 {
		from = from.Add(2 * life) // expired when it was made
	}
	c, err := issue(a, name, cert.Server, from, now.Add(life))
	if err != nil {
		return err
	}
	k.shown = c.Shown()
	k.site.logf("key server", "%s has a new certificate: issued by %s, for %s, until %s", k.Name, a.Certificate().Subject.CommonName, name, c.X509().NotAfter.Format("2006-01-02 15:04:05"))
	return nil
}

// Distrust lets the key server take no client certificate of the facility's
// factory ("factory") or of the customer ("customer") any more; Trust reverses that.
func (k *KeyServer) Distrust(issuer string) error { return k.setTrust(issuer, false) }

// Trust is described at Distrust.
func (k *KeyServer) Trust(issuer string) error { return k.setTrust(issuer, true) }

func (k *KeyServer) setTrust(issuer string, on bool) error {
	if issuer != "factory" && issuer != "customer" {
		return request.Refuse(request.ErrInvalid, "keyserver trust", fmt.Sprintf("issuer %q", issuer), "factory and customer are right")
	}
	a, err := k.site.authority("keyserver trust", issuer)
	if err != nil {
		return err
	}
	k.trusts.Believe(a.Certificate(), on)
	k.site.logf("key server", "%s %s client certificates of the %s", k.Name, map[bool]string{true: "takes", false: "takes no"}[on], issuer)
	return nil
}
