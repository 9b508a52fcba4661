package transport_test

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// echo is a device that gives back what it was sent.
type echo struct{ last []byte }

func (e *echo) Send(protocol uint8, _ uint16, payload []byte) error {
	if protocol != transport.ProtocolTCG {
		return transport.InvalidProtocol
	}
	e.last = payload
	return nil
}

func (e *echo) Receive(_ uint8, _ uint16, size int) ([]byte, error) {
	return e.last[:min(size, len(e.last))], nil
}

func Example() {
	var t transport.Transport = new(echo)
	fmt.Println(t.Send(transport.ProtocolTCG, 0x07FE, []byte("hello")))
	b, err := t.Receive(transport.ProtocolTCG, 0x07FE, 4)
	fmt.Printf("%s %v\n", b, err)
	err = t.Send(9, 0, nil)
	fmt.Println(err, errors.Is(err, transport.InvalidProtocol))
	// Output:
	// <nil>
	// hell <nil>
	// transport: invalid security protocol true
}
