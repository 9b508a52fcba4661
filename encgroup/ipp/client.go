package ipp

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/internal/seal"
)

// ClientConfig is how a facility reaches one key server.
type ClientConfig struct {
	ID   string                                        // names the server among those of the group
	Dial func(timeout time.Duration) (net.Conn, error) // opens a connection: a net.Dialer over real sockets
	TLS  *tls.Config                                   // nil: plain
	// Exchange carries a frame to the server and its answer back, in place of Dial, TLS, Clock and
	// Timeout: it ends at Server.Answer. Its error is passed on as it is.
	Exchange func(request []byte) (answer []byte, err error)
	Device   string           // the facility's name at the server, 1 to 64 bytes
	Labels   [2]string        // the key pairs that wrap a new data key
	Safe     Safe             // one for all clients of the facility
	Entropy  io.Reader        // source of session keys
	Clock    func() time.Time // as in ServerConfig
	Timeout  time.Duration    // for a request, from dialling to the answer; more than 0
}

// Client is one key server of an encryption group. Over sockets it opens a connection for each
// request. It is not safe for concurrent use.
type Client struct{ cfg ClientConfig }

var _ encgroup.KeyServer = (*Client)(nil)

// NewClient checks the configuration.
func NewClient(cfg ClientConfig) (*Client, error) {
	dials := cfg.Dial != nil && cfg.Clock != nil && cfg.Timeout > 0
	if cfg.ID == "" || cfg.Safe == nil || cfg.Entropy == nil || dials == (cfg.Exchange != nil) {
		return nil, errors.New("ipp: a client needs an ID, a safe, a source of entropy, and either a way to dial with a clock and a timeout, or an exchange")
	}
	if cfg.Device == "" || len(cfg.Device) > deviceMax {
		return nil, fmt.Errorf("ipp: a device name of %d bytes, need 1 to %d", len(cfg.Device), deviceMax)
	}
	for _, l := range cfg.Labels {
		if l == "" || len(l) > labelMax || cfg.Labels[0] == cfg.Labels[1] {
			return nil, fmt.Errorf("ipp: labels %q, need two different ones of 1 to %d bytes", cfg.Labels, labelMax)
		}
	}
	return &Client{cfg}, nil
}

// ID names the server.
func (c *Client) ID() string { return c.cfg.ID }

// Create has the server make a data key, keeps its EEDKs in the safe, and returns their identifier
// there. The configuration has the labels of the key pairs that wrap it. The argument, the label of
// the group, is not sent.
func (c *Client) Create(string) (string, error) {
	fields := [][]byte{[]byte(c.cfg.Labels[0]), []byte(c.cfg.Labels[1])}
	key, list, err := c.request(kindCreate, fields)
	if errors.Is(err, encgroup.ErrNoKey) {
		return "", fmt.Errorf("%w: it has no key pair %q, or none %q", encgroup.ErrNoKey, c.cfg.Labels[0], c.cfg.Labels[1])
	}
	if err != nil {
		return "", err
	}
	key.Clear()
	if len(list) != 2 || list[0].label != c.cfg.Labels[0] || list[1].label != c.cfg.Labels[1] {
		return "", fmt.Errorf("%w: the EEDKs are not those asked for", encgroup.ErrProtocol)
	}
	b, err := packEEDKs(list)
	if err != nil {
		return "", fmt.Errorf("%w: %w", encgroup.ErrProtocol, err)
	}
	sum := sha256.Sum256(b)
	uid := hex.EncodeToString(sum[:16])
	if err := c.cfg.Safe.Keep(uid, b); err != nil {
		return "", fmt.Errorf("ipp: the EEDKs could not be kept: %w", err)
	}
	return uid, nil
}

// Get sends the EEDKs that are kept under uid and returns the data key that the server unlocks. If
// none are kept, the error is encgroup.ErrNoKey, and the server is not asked.
func (c *Client) Get(uid string) (*secret.Key32, error) {
	b, err := c.cfg.Safe.Kept(uid)
	if errors.Is(err, ErrNotKept) {
		return nil, fmt.Errorf("%w: %w", encgroup.ErrNoKey, err)
	}
	if err != nil {
		return nil, fmt.Errorf("ipp: the EEDKs cannot be read: %w", err)
	}
	list, err := unpackEEDKs(b)
	if err != nil {
		return nil, fmt.Errorf("ipp: the EEDKs that are kept: %w", err)
	}
	key, _, err := c.request(kindUnlock, eedkFields(list))
	return key, err
}

// request is one exchange.
func (c *Client) request(k kind, fields [][]byte) (key *secret.Key32, list []eedk, err error) {
	var private secret.Key32
	defer private.Clear()
	if _, err := io.ReadFull(c.cfg.Entropy, private[:]); err != nil {
		return nil, nil, fmt.Errorf("ipp: no session key: %w", err)
	}
	public, err := seal.Public(&private)
	if err != nil {
		return nil, nil, fmt.Errorf("ipp: %w", err)
	}
	m, err := c.exchange(message{k, append([][]byte{[]byte(c.cfg.Device), public[:]}, fields...)})
	if err != nil {
		return nil, nil, err
	}
	if m.kind == kindRefusal && len(m.fields) == 2 && len(m.fields[0]) == 1 {
		return nil, nil, refusal(m.fields[0][0])
	}
	if m.kind != kindKey || len(m.fields) < 1 || len(m.fields[0]) != seal.Size {
		return nil, nil, fmt.Errorf("%w: the answer is no key", encgroup.ErrProtocol)
	}
	if list, err = parseEEDKs(m.fields[1:]); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", encgroup.ErrProtocol, err)
	}
	if key, err = seal.Open(&private, purposeSession, (*[seal.Size]byte)(m.fields[0])); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", encgroup.ErrProtocol, err)
	}
	return key, list, nil
}

// refusal is the error for a server's code. The server's text is not passed on.
func refusal(code byte) error {
	switch code {
	case codeDevice:
		return fmt.Errorf("%w: it does not serve this facility", encgroup.ErrRefused)
	case codeNoKey:
		return encgroup.ErrNoKey
	case codeFailed:
		return fmt.Errorf("%w: it cannot do it now", encgroup.ErrRefused)
	}
	return fmt.Errorf("%w: it says that the request is malformed", encgroup.ErrProtocol)
}

func (c *Client) exchange(m message) (message, error) {
	if c.cfg.Exchange == nil {
		return c.connect(m)
	}
	b, err := encode(m)
	if err != nil {
		return message{}, fmt.Errorf("ipp: %w", err)
	}
	if b, err = c.cfg.Exchange(b); err != nil {
		return message{}, err
	}
	answer, err := decode(b)
	if err != nil {
		return message{}, fmt.Errorf("%w: %w", encgroup.ErrProtocol, err)
	}
	return answer, nil
}

// connect is an exchange over a connection of its own.
func (c *Client) connect(m message) (message, error) {
	end := c.cfg.Clock().Add(c.cfg.Timeout)
	conn, err := c.cfg.Dial(c.cfg.Timeout)
	if err != nil {
		return message{}, fmt.Errorf("%w: %w", encgroup.ErrUnreachable, err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(end); err != nil {
		return message{}, fmt.Errorf("%w: %w", encgroup.ErrUnreachable, err)
	}
	if c.cfg.TLS != nil {
		secure := tls.Client(conn, c.cfg.TLS)
		if err := secure.Handshake(); err != nil {
			return message{}, classify(err)
		}
		conn = secure
	}
	if err := writeMessage(conn, m); err != nil {
		return message{}, classify(err)
	}
	answer, err := readMessage(conn)
	if err != nil {
		return message{}, classify(err)
	}
	return answer, nil
}

// classify wraps the error of a broken connection in one of encgroup. In TLS 1.3 the alert about a
// client's certificate arrives after the handshake.
func classify(err error) error {
	var (
		timeout net.Error
		verify  *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		op      *net.OpError
	)
	switch {
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &op) && op.Op == "remote error":
		return fmt.Errorf("%w: %w", encgroup.ErrUntrusted, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %w", encgroup.ErrTimeout, err)
	}
	return fmt.Errorf("%w: %w", encgroup.ErrProtocol, err)
}

// packEEDKs encodes EEDKs for a safe, as a frame without its length.
func packEEDKs(list []eedk) ([]byte, error) {
	var w bytes.Buffer
	if err := writeMessage(&w, message{kindKey, eedkFields(list)}); err != nil {
		return nil, err
	}
	return w.Bytes()[4:], nil
}

func unpackEEDKs(b []byte) ([]eedk, error) {
	m, err := parse(b)
	if err != nil {
		return nil, err
	}
	return parseEEDKs(m.fields)
}
