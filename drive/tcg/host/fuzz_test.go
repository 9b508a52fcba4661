package host_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// liar is a device whose answers are those of a TPer, spoilt: script says how. Each step is of 4 bytes:
// how many answers stay right, what is done to the next one, and where and with what.
type liar struct {
	transport.Transport
	script []byte
	right  int
	asked  int
}

func (l *liar) Receive(protocol uint8, comID uint16, size int) ([]byte, error) {
	l.asked++
	b, err := l.Transport.Receive(protocol, comID, size)
	if err != nil || len(l.script) < 4 {
		return b, err
	}
	if l.right < int(l.script[0]%8) {
		l.right++
		return b, nil
	}
	step := l.script[:4]
	l.script, l.right = l.script[4:], 0
	b = append([]byte{}, b...)
	at := int(step[2])
	switch step[1] % 8 {
	case 0: // another byte
		if at < len(b) {
			b[at] ^= step[3]
		}
	case 1: // cut off
		b = b[:min(at, len(b))]
	case 2: // nothing
		b = nil
	case 3: // longer
		b = append(b, make([]byte, at)...)
	case 4: // says that more is there
		if len(b) >= 20 {
			binary.BigEndian.PutUint32(b[8:], uint32(at)<<step[3]%32)
			binary.BigEndian.PutUint32(b[12:], uint32(step[3])<<at%32)
		}
	case 5: // the bytes of the script themselves
		b = append(b[:min(at, len(b))], l.script...)
	case 6: // a token in the stream is another one
		if i := 56 + at; i < len(b) {
			b[i] = step[3]
		}
	case 7:
		return nil, transport.Error(step[3])
	}
	return b, nil
}

// Whatever a device answers: no panic, no endless loop, and an error that says what is wrong.
func FuzzHostileDevice(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 1, 20, 0, 0, 2, 0, 0})
	f.Add([]byte{2, 6, 4, 0xF9, 1, 4, 0xFF, 0xFF, 5, 5, 60, 0})
	f.Add([]byte("\x01\x00\x04\x01\x01\x06\x00\xFA\x01\x06\x05\xF0\x02\x03\xFF\x00\x01\x07\x00\x06"))
	f.Fuzz(func(t *testing.T, script []byte) {
		m := manufacture(t, nil)
		l := &liar{Transport: m.tp, script: script}
		dev, err := host.Open(l, host.Options{Polls: 20})
		if err != nil {
			return
		}
		tries := []error{
			dev.TakeOwnership(host.Owner{SID: pin(t, "a"), EraseMaster: pin(t, "b"), Bands: []drive.PIN{pin(t, "c")}}),
			dev.Recover(),
			dev.SetLocks(0, pin(t, "c"), true, true),
			dev.GenKey(0, pin(t, "c")),
			dev.Revert(m.label.PSID),
		}
		_, err = dev.Bands()
		tries = append(tries, err)
		_, err = dev.Authorities(spec.AdminSP)
		tries = append(tries, err)
		for _, err := range tries {
			if err != nil {
				require.NotContains(t, err.Error(), string(m.label.PSID.Bytes()), "no PIN is in an error")
			}
		}
		require.Less(t, l.asked, 5000, "an end is found")
	})
}

// An answer that is none is a ProtocolError, which says what is wrong.
func TestAnswersThatNoDeviceMayGive(t *testing.T) {
	for _, c := range []struct {
		script string // of the answer behind level 0 discovery
		says   string
	}{
		{"\x01\x01\x10\x00", "tcg: Properties: the device's answer is not right"},
		{"\x01\x00\x05\x01", "it is of ComID 07FF 0000"},
		{"\x01\x02\x00\x00", "tcg: Properties: the device's answer is not right"},
		{"\x01\x06\x00\xF0", "tcg: Properties: the device's answer is not right"},
		{"\x00\x01\x08\x00", "tcg: level 0 discovery: the device's answer is not right"},
	} {
		m := manufacture(t, nil)
		_, err := host.Open(&liar{Transport: m.tp, script: []byte(c.script)}, host.Options{})
		require.ErrorContains(t, err, c.says, "%q", c.script)
		var wrong *host.ProtocolError
		require.True(t, errors.As(err, &wrong), "%q", c.script)
	}
}

// chatter is a device that says nothing but what a fuzzer gives it: pieces of a length of one byte.
type chatter struct {
	left  []byte
	asked int
}

func (*chatter) Send(uint8, uint16, []byte) error { return nil }

func (c *chatter) Receive(uint8, uint16, int) ([]byte, error) {
	c.asked++
	if len(c.left) == 0 {
		return nil, transport.NoPower
	}
	n := min(int(c.left[0])+1, len(c.left))
	b := c.left[1:n]
	c.left = c.left[n:]
	return b, nil
}

// What only looks like a device: the host finds an end, and tells an answer that is none from a device that is not there.
func FuzzNoDevice(f *testing.F) {
	m := manufacture(f, nil)
	var talk []byte
	rec := &recorder{Transport: m.tp, talk: &talk}
	dev, err := host.Open(rec, host.Options{})
	require.NoError(f, err)
	_, err = dev.LockingInfo()
	require.NoError(f, err)
	f.Add(talk)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &chatter{left: b}
		dev, err := host.Open(c, host.Options{Polls: 20})
		if err == nil {
			_, err = dev.LockingInfo()
		}
		require.Less(t, c.asked, 200+len(b), "an end is found")
		if err != nil {
			require.Regexp(t, "^(tcg|transport): ", err.Error())
		}
	})
}

// recorder writes down what a device answers, as chatter says it.
type recorder struct {
	transport.Transport
	talk *[]byte
}

func (r *recorder) Receive(protocol uint8, comID uint16, size int) ([]byte, error) {
	b, err := r.Transport.Receive(protocol, comID, size)
	if len(b) < 256 {
		*r.talk = append(append(*r.talk, byte(len(b))), b...)
	}
	return b, err
}
