package ipp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The bounds of the wire.
const (
	version   = 1
	frameMax  = 8192
	eedksMax  = 4
	labelMax  = 64
	deviceMax = 64
)

type kind uint8

const (
	kindCreate kind = iota + 1
	kindUnlock
	kindKey
	kindRefusal
)

// The codes of a refusal.
const (
	codeMalformed = 1 // this is no request
	codeDevice    = 2 // this facility is not served
	codeNoKey     = 3 // no private key here opens it, or no key pair here has the label
	codeFailed    = 4 // the server cannot do it now
)

var errFrame = errors.New("ipp: malformed message")

// message is what a frame holds.
type message struct {
	kind   kind
	fields [][]byte
}

func writeMessage(w io.Writer, m message) error {
	b, err := encode(m)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// encode gives the frame of a message.
func encode(m message) ([]byte, error) {
	b := []byte{0, 0, 0, 0, version, byte(m.kind)}
	for _, f := range m.fields {
		if len(f) > 0xFFFF {
			return nil, fmt.Errorf("%w: a field of %d bytes", errFrame, len(f))
		}
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(f))), f...)
	}
	if len(b)-4 > frameMax {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errFrame, len(b)-4, frameMax)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b, nil
}

// decode reads the one frame that b holds.
func decode(b []byte) (message, error) {
	r := bytes.NewReader(b)
	m, err := readMessage(r)
	if err != nil || r.Len() > 0 {
		return message{}, errors.Join(fmt.Errorf("%w: not one whole frame", errFrame), err)
	}
	return m, nil
}

// readMessage reads one frame. The error is io.EOF if not even its first byte comes.
func readMessage(r io.Reader) (m message, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return m, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 2 || n > frameMax {
		return m, fmt.Errorf("%w: %d bytes, need 2 to %d", errFrame, n, frameMax)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return m, noEOF(err)
	}
	return parse(b)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parse reads the content of a frame.
func parse(b []byte) (m message, err error) {
	if len(b) < 2 || b[0] != version {
		return m, fmt.Errorf("%w: not of version %d", errFrame, version)
	}
	m.kind = kind(b[1])
	for b = b[2:]; len(b) > 0; {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return message{}, fmt.Errorf("%w: a field ends too early", errFrame)
		}
		n := int(binary.BigEndian.Uint16(b))
		m.fields = append(m.fields, b[2:2+n])
		b = b[2+n:]
	}
	return m, nil
}

// eedk is a data key wrapped with the public key of one label.
type eedk struct {
	label   string
	wrapped []byte
}

// eedkFields lists EEDKs as fields: label, wrap, label, wrap.
func eedkFields(list []eedk) [][]byte {
	var out [][]byte
	for _, e := range list {
		out = append(out, []byte(e.label), e.wrapped)
	}
	return out
}

func parseEEDKs(fields [][]byte) ([]eedk, error) {
	if len(fields)%2 != 0 || len(fields)/2 > eedksMax {
		return nil, fmt.Errorf("%w: %d fields of wrapped keys", errFrame, len(fields))
	}
	var out []eedk
	for i := 0; i < len(fields); i += 2 {
		if len(fields[i]) == 0 || len(fields[i]) > labelMax || len(fields[i+1]) == 0 {
			return nil, fmt.Errorf("%w: a wrapped key of %d bytes with a label of %d", errFrame, len(fields[i+1]), len(fields[i]))
		}
		out = append(out, eedk{string(fields[i]), fields[i+1]})
	}
	return out, nil
}
