package kmip

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"regexp"
	"syscall"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

// Fault is what is wrong with the way to a key server or with its answer, told
// as finely as the network lets one tell it.
type Fault uint8

// The faults, in the order of the way. Behind each: the error of encgroup that
// it is one of.
const (
	FaultUnresolved        Fault = iota + 1 // the name has no address: ErrUnreachable
	FaultRefused                            // a host answers, no server listens: ErrUnreachable
	FaultUnreachable                        // no route, a cable out: ErrUnreachable
	FaultConnectTimeout                     // a black hole: nobody answers the connection: ErrUnreachable
	FaultServerUnknownCA                    // the server's certificate comes from no CA that the client trusts: ErrUntrusted
	FaultServerExpired                      // the server's certificate is expired, or not valid yet: ErrUntrusted
	FaultServerName                         // the server's certificate is for another name: ErrUntrusted
	FaultServerCertificate                  // the server's certificate is bad in another way: ErrUntrusted
	FaultClientUnknownCA                    // the server does not know the CA of the client's certificate: ErrUntrusted
	FaultClientExpired                      // the server finds the client's certificate expired: ErrUntrusted
	FaultClientCertificate                  // the server takes the client's certificate, or the lack of one, badly: ErrUntrusted
	FaultHandshake                          // the two find no TLS version or cipher together: ErrUntrusted
	FaultNotTLS                             // something else than TLS answers: ErrProtocol
	FaultTimeout                            // connected, then silence: ErrTimeout
	FaultHangUp                             // connected, then closed in the middle: ErrProtocol
	FaultProtocol                           // what comes is no message of KMIP: ErrProtocol
	FaultVersion                            // the server speaks KMIP, in no version that the client speaks: ErrAnswer
	FaultAnswer                             // a message of KMIP that does not answer what was asked: ErrAnswer
	FaultNoKey                              // the server has no such object: ErrNoKey
	FaultDestroyed                          // it had the key, and says that it is destroyed: ErrNoKey
	FaultWrongKey                           // it has one, and it is no key of 32 bytes, or not the one that was registered: ErrWrongKey
	FaultDenied                             // the server refuses the request: ErrRefused
)

var faultNames = [...]string{
	"fault 0", "name not resolved", "connection refused", "host unreachable", "connection timed out", "server certificate from an unknown CA",
	"server certificate expired", "server certificate for another name", "bad server certificate", "client certificate from an unknown CA",
	"client certificate expired", "client certificate refused", "TLS handshake failed", "no TLS", "no answer in time",
	"connection closed by the server", "protocol error", "no common version of KMIP", "not the answer to what was asked",
	"no such key", "the key is destroyed at the server", "not the data key", "request refused",
}

func (f Fault) String() string {
	if int(f) < len(faultNames) {
		return faultNames[f]
	}
	return fmt.Sprintf("fault %d", uint8(f))
}

// sentinel is the error of encgroup that stands for the fault.
func (f Fault) sentinel() error {
	switch {
	case f <= FaultConnectTimeout:
		return encgroup.ErrUnreachable
	case f <= FaultHandshake:
		return encgroup.ErrUntrusted
	case f == FaultTimeout:
		return encgroup.ErrTimeout
	case f == FaultVersion, f == FaultAnswer:
		return encgroup.ErrAnswer
	case f == FaultWrongKey:
		return encgroup.ErrWrongKey
	case f == FaultNoKey, f == FaultDestroyed:
		return encgroup.ErrNoKey
	case f == FaultDenied:
		return encgroup.ErrRefused
	}
	return encgroup.ErrProtocol
}

// Error is what a client met. errors.Is matches the error of encgroup and the
// cause; errors.As finds the Failure of a server that refused.
type Error struct {
	Server string // its address
	Op     string // "connect", "handshake", or the operation
	Fault  Fault
	Err    error // the cause
}

func (e *Error) Error() string {
	text := fmt.Sprintf("kmip: %s: %s: %s", e.Server, e.Op, e.Fault)
	if why := e.why(); why != "" {
		text += ": " + why
	}
	return text
}

// why is what the cause adds to the name of the fault. The causes of the faults of the network and
// of TLS are texts of Go's libraries, which say the same in a programmer's words: Err keeps them.
func (e *Error) why() string {
	var system syscall.Errno
	switch {
	case e.Fault == FaultUnreachable && errors.As(e.Err, &system):
		return system.Error()
	case e.Fault == FaultServerName:
		return pki.WrongName(e.Err)
	case e.Fault <= FaultHangUp:
		return ""
	}
	return libraryWords.ReplaceAllString(e.Err.Error(), "")
}

// libraryWords is what crypto/tls puts before the errors for which there is no fault of their own.
var libraryWords = regexp.MustCompile(`^(?:(?:local error|remote error|tls|x509): )+`)

// Addr is the address of the server, host:port.
func (e *Error) Addr() string { return e.Server }

// Unwrap gives the error of encgroup and the cause.
func (e *Error) Unwrap() []error { return []error{e.Fault.sentinel(), e.Err} }

// FaultOf is the fault in an error, 0 if there is none.
func FaultOf(err error) Fault {
	var e *Error
	if errors.As(err, &e) {
		return e.Fault
	}
	return 0
}

// connectFault finds the fault of a connection that did not come about.
func connectFault(err error) Fault {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return FaultUnresolved
	case errors.Is(err, syscall.ECONNREFUSED):
		return FaultRefused
	case errors.As(err, &timeout) && timeout.Timeout():
		return FaultConnectTimeout
	}
	return FaultUnreachable
}

// The TLS alerts about certificates (RFC 8446, section 6.2).
const (
	alertBadCertificate      = 42
	alertUnsupported         = 43
	alertRevoked             = 44
	alertExpired             = 45
	alertUnknownCertificate  = 46
	alertUnknownCA           = 48
	alertAccessDenied        = 49
	alertCertificateRequired = 116
)

// sessionFault finds the fault of a connection that did come about. With TLS 1.3
// a server's alert about the client's certificate arrives only after the handshake.
func sessionFault(err error) Fault {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		timeout   net.Error
	)
	if a, ok := remoteAlert(err); ok {
		return alertFault(a)
	}
	switch {
	case errors.As(err, &authority):
		return FaultServerUnknownCA
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return FaultServerExpired
	case errors.As(err, &name):
		return FaultServerName
	case errors.As(err, &verify):
		return FaultServerCertificate
	case errors.As(err, &record):
		return FaultNotTLS
	case errors.As(err, &timeout) && timeout.Timeout():
		return FaultTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return FaultHangUp
	}
	return FaultProtocol
}

// remoteAlert is the alert that the other side sent. crypto/tls has it in a type
// of its own, a byte, which only net.OpError gives away.
func remoteAlert(err error) (uint8, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return uint8(v.Uint()), true
}

func alertFault(a uint8) Fault {
	switch a {
	case alertUnknownCA:
		return FaultClientUnknownCA
	case alertExpired:
		return FaultClientExpired
	case alertBadCertificate, alertUnsupported, alertRevoked, alertUnknownCertificate, alertAccessDenied, alertCertificateRequired:
		return FaultClientCertificate
	}
	return FaultHandshake
}

// failureFault finds the fault behind a server's refusal.
func failureFault(f *Failure) Fault {
	switch f.Reason {
	case ItemNotFound, ObjectNotFound:
		return FaultNoKey
	case ObjectDestroyed:
		return FaultDestroyed
	}
	return FaultDenied
}
