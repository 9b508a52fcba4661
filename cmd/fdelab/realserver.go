package main

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/keydir"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// realServers are the flags by which a facility reaches key servers outside its simulated network.
type realServers struct {
	dir, ca, cert, key string // files in PEM; dir has those that are not given
	timeout            string // "" for realTimeout
}

// realTimeout is how long a facility waits for a real server: for the connection, and for each
// answer. A retrieval may wait four times as long, because a partition tries two consoles.
const realTimeout = 5 * time.Second

// The help of the flags, which fdelab shell and fdelab dscli share.
const (
	kmipCertsHelp   = "directory made by keyserver init: ca.crt, facility.crt and facility.key in it are used. Key managers whose address is no machine of the simulated network are then dialled for real"
	kmipCAHelp      = "the authority of real key servers, in PEM; in place of ca.crt of --kmip-certs"
	kmipCertHelp    = "certificate that the facility shows to real key servers, in PEM; in place of facility.crt of --kmip-certs"
	kmipKeyHelp     = "private key of that certificate, in PEM; in place of facility.key of --kmip-certs"
	kmipTimeoutHelp = "how long to wait for a real key server"
)

// dial is raslab.Options.Dial of the facility; nil if no flag is given. dash stands before a flag
// of the command: "-" or "--".
func (r realServers) dial(command, dash string) (func(raslab.KeyManagerInfo) encgroup.KeyServer, error) {
	if r == (realServers{}) {
		return nil, nil
	}
	for _, f := range []struct {
		file *string
		name string
	}{{&r.ca, keydir.CA + ".crt"}, {&r.cert, keydir.Facility + ".crt"}, {&r.key, keydir.Facility + ".key"}} {
		if *f.file == "" && r.dir != "" {
			*f.file = filepath.Join(r.dir, f.name)
		}
	}
	if r.ca == "" || r.cert == "" || r.key == "" {
		return nil, usagef("%s: real key servers need an authority, a certificate and its key", command).
			withHint("give %[1]skmip-certs, or all of %[1]skmip-ca, %[1]skmip-cert and %[1]skmip-key", dash)
	}
	timeout := realTimeout
	if r.timeout != "" {
		var err error
		if timeout, err = time.ParseDuration(r.timeout); err != nil || timeout <= 0 {
			return nil, usagef("%s: %skmip-timeout %q, need a time such as 5s", command, dash, r.timeout)
		}
	}
	t, err := pki.ClientTLS(r.ca, r.cert, r.key)
	if err != nil {
		return nil, cannotf("%s: %w", command, err)
	}
	return func(m raslab.KeyManagerInfo) encgroup.KeyServer {
		if m.Simulated || m.KeyProtocol != raslab.KMIP {
			return nil
		}
		return kmip.NewKeyServer(m.Addr, kmip.Config{
			Addr: net.JoinHostPort(m.Addr, strconv.Itoa(m.Port)), TLS: trusting(t, m), Timeout: timeout, Clock: time.Now,
		}, kmip.Profile{Group: fmt.Sprintf("fdelab key group %d", m.KeyGroup), Entropy: rand.Reader})
	}, nil
}

// trusting is the configuration for one server. It trusts the authority of its key manager, or else
// that of the flags.
func trusting(t *tls.Config, m raslab.KeyManagerInfo) *tls.Config {
	if !m.GivenTrust {
		return t
	}
	t = t.Clone()
	t.RootCAs = x509.NewCertPool()
	t.RootCAs.AppendCertsFromPEM(m.Trust) // raslab refuses what cannot be read
	return t
}
