package server

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// describeCertificate makes attributes of what stands in a certificate (KMIP
// specification 1.4, sections 3.8 to 3.12), and holds those that the client gives
// against it. A PGP certificate is not looked into.
func (o *object) describeCertificate(in *kmip.Object) error {
	if in.Certificate != kmip.X509 && in.Certificate != kmip.PGP {
		return kmip.Fail(kmip.InvalidField, "there is no certificate type %d", in.Certificate)
	}
	o.set(kmip.EnumOf(kmip.AttrCertificateType, in.Certificate))
	size := int32(len(in.Material))
	if given := o.get(kmip.AttrCertificateLength); given != nil && given.Int != int64(size) {
		return kmip.Fail(kmip.InvalidField, "the certificate has %d bytes, the attribute says %d", size, given.Int)
	}
	o.set(kmip.IntOf(kmip.AttrCertificateLength, size))
	if in.Certificate == kmip.PGP {
		return nil
	}
	cert, err := x509.ParseCertificate(in.Material)
	if err != nil {
		return kmip.Fail(kmip.InvalidField, "this is no X.509 certificate")
	}
	algorithm, bits := kmip.Algorithm(0), 0
	switch k := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		algorithm, bits = kmip.RSA, k.N.BitLen()
	case *ecdsa.PublicKey:
		algorithm, bits = kmip.ECDSA, k.Curve.Params().BitSize
	}
	for _, x := range []struct {
		name string
		have int64
		set  kmip.Attribute
	}{
		{kmip.AttrAlgorithm, int64(algorithm), kmip.EnumOf(kmip.AttrAlgorithm, algorithm)},
		{kmip.AttrLength, int64(bits), kmip.IntOf(kmip.AttrLength, int32(bits))},
	} {
		if algorithm == 0 {
			break // one that this server has no name for: what the client says
		}
		if given := o.get(x.name); given != nil && given.Int != x.have {
			return kmip.Fail(kmip.InvalidField, "the attribute says %s %d, the certificate %d", x.name, given.Int, x.have)
		}
		o.set(x.set)
	}
	structure := func(name string, fields ...ttlv.Item) {
		o.set(kmip.Attribute{Name: name, Value: ttlv.Struct(kmip.TagAttributeValue, fields...)})
	}
	issuer := ttlv.Bytes(kmip.TagIssuerDistinguishedName, cert.RawIssuer)
	structure(kmip.AttrX509Identifier, issuer, ttlv.Bytes(kmip.TagCertificateSerialNumber, cert.SerialNumber.Bytes()))
	structure(kmip.AttrX509Subject, ttlv.Bytes(kmip.TagSubjectDistinguishedName, cert.RawSubject))
	structure(kmip.AttrX509Issuer, issuer)
	return nil
}
