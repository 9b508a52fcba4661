package raslab

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// bent is the customer's network, with somebody in it who changes the answers of KMIP.
type bent struct {
	customer.Network
	bend func(answer []byte) []byte
}

type bentConn struct {
	customer.Conn
	bend func([]byte) []byte
}

func (b bent) Dial(console int, addr string, port int) (customer.Conn, error) {
	c, err := b.Network.Dial(console, addr, port)
	return bentConn{c, b.bend}, err
}

func (c bentConn) KMIP() (customer.Exchange, error) {
	e, err := c.Conn.KMIP()
	return func(q []byte) ([]byte, error) {
		a, err := e(q)
		return c.bend(a), err
	}, err
}

// TestTheFacilityKnowsWhatCameOverTheWire: the servers are well, and the code follows from the bytes.
func TestTheFacilityKnowsWhatCameOverTheWire(t *testing.T) {
	for name, c := range map[string]struct {
		bend func([]byte) []byte
		code string
	}{
		"nothing":   {func([]byte) []byte { return nil }, "BE14E0F1"},
		"cut short": {func(a []byte) []byte { return a[:len(a)-8] }, "BE14E0F1"},
		"no KMIP":   {func([]byte) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }, "BE14E0F1"},
		"another key": {func(a []byte) []byte {
			if p, err := kmip.ParseResponse(a, ttlv.Limits{}); err == nil && p.Items[0].Op == kmip.OpGet {
				a[len(a)-1] ^= 1 // the last byte of the key
			}
			return a
		}, "BE14E012"},
	} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			l.wire.Network = bent{l.wire.Network, c.bend}
			fails(t, l)(l.PowerCycle())
			require.Contains(t, openCodes(l), c.code, "%s", history{l})
		})
	}
}

// TestADataKeyIsHeldAgainstWhatWasRegistered by the session that made it.
func TestADataKeyIsHeldAgainstWhatWasRegistered(t *testing.T) {
	l := encrypted(t, Options{})
	keyHost(t, l, 1).BreakMemory(true)
	c, err := l.wire.Dial(1, keyServerAddr(1), customer.PortKMIP)
	must(t, err)
	e, err := c.KMIP()
	must(t, err)
	s := &kmipSession{id: "k", client: kmip.Over("k", e), entropy: entropy.Stream(1, "keys")}
	_, err = s.Create("key group 9")
	require.ErrorIs(t, err, encgroup.ErrWrongKey)
}
