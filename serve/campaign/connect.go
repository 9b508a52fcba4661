package campaign

import (
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
)

// Outside is a server that is somebody's, and what it asks for.
type Outside struct {
	URL             string // "nats://host:port", "tls://host:port", or several, separated by commas
	CA              string // file of the certificates that the server's must be signed by; "" is those of the system
	Cert, Key       string // files of a client certificate; "" is none
	NKey            string // file of an NKey seed
	Credentials     string // file of user credentials, as nsc writes it
	Name            string // that the server shows in its connections
	NeedsEncryption bool   // refuse a server without TLS
}

// Connect is a connection to it. One that breaks comes back by itself.
func (o Outside) Connect() (*nats.Conn, error) {
	options := always(o.Name)
	if o.CA != "" {
		options = append(options, nats.RootCAs(o.CA))
	}
	if o.Cert != "" {
		options = append(options, nats.ClientCert(o.Cert, o.Key))
	}
	if o.CA != "" || o.Cert != "" || o.NeedsEncryption {
		options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if o.NKey != "" {
		option, err := nats.NkeyOptionFromSeed(o.NKey)
		if err != nil {
			return nil, fmt.Errorf("campaign: the NKey in %s: %w", o.NKey, err)
		}
		options = append(options, option)
	}
	if o.Credentials != "" {
		options = append(options, nats.UserCredentials(o.Credentials))
	}
	nc, err := nats.Connect(o.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("campaign: the server at %s: %w", withoutSecret(o.URL), err)
	}
	return nc, nil
}

// withoutSecret is URLs without user and password.
func withoutSecret(urls string) string {
	all := strings.Split(urls, ",")
	for i, u := range all {
		if at := strings.LastIndexByte(u, '@'); at >= 0 {
			scheme, _, cut := strings.Cut(u, "://")
			if !cut {
				scheme = "nats"
			}
			all[i] = scheme + "://" + u[at+1:]
		}
	}
	return strings.Join(all, ",")
}
