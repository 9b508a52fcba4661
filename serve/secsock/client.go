package secsock

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// patience is how long a Client waits for an answer.
const patience = time.Minute

// Client is a way to one drive of a Server. It is a transport.Transport, for one goroutine at a time.
type Client struct {
	c    net.Conn
	r    *bufio.Reader // most answers come in one read
	unit uint8
	err  error // what broke the connection
}

// NoDriveError says that the server has no drive of that number.
type NoDriveError int

func (n NoDriveError) Error() string { return fmt.Sprintf("the server has no drive %d", int(n)) }

// ErrNotServer means that what listens at the socket answers in another way than a Server.
var ErrNotServer = errors.New("what listens there does not carry the security interface of drives")

// Dial opens a way to a drive, by its number from 0. That there is such a drive is seen at the first
// command.
func Dial(path string, unit int) (*Client, error) {
	if unit < 0 || unit > 255 {
		return nil, fmt.Errorf("drive %d: numbers go from 0 to 255", unit)
	}
	c, err := net.DialTimeout("unix", path, patience)
	if err != nil {
		return nil, err
	}
	return &Client{c: c, r: bufio.NewReader(c), unit: uint8(unit)}, nil
}

// Close hangs up. Sessions that the host left open stay open at the drive.
//
// A connection that broke is closed already, and what broke it was told.
func (c *Client) Close() error {
	if c.err != nil {
		return nil
	}
	return c.c.Close()
}

// Send is IF-SEND.
func (c *Client) Send(protocol uint8, comID uint16, payload []byte) error {
	_, err := c.do(opSend, protocol, comID, len(payload), payload)
	return err
}

// Receive is IF-RECV.
func (c *Client) Receive(protocol uint8, comID uint16, size int) ([]byte, error) {
	return c.do(opReceive, protocol, comID, size, nil)
}

// Identify asks for an NVMe data structure; see the function of that name.
func (c *Client) Identify(cns uint16) ([]byte, error) {
	return c.do(opIdentify, 0, cns, identifySize, nil)
}

// Inquiry asks for SCSI INQUIRY data; see the function of that name.
func (c *Client) Inquiry(page uint16) ([]byte, error) {
	return c.do(opInquiry, 0, page, 255, nil)
}

// do makes one command. An error of the socket breaks the way: what is half read would be taken for the
// next answer.
func (c *Client) do(op, protocol uint8, comID uint16, size int, payload []byte) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	if size < 0 || size > maxPayload {
		return nil, transport.InvalidTransferLength
	}
	b := []byte{version, op, c.unit, protocol, byte(comID >> 8), byte(comID), 0, 0}
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = append(append(b, 0, 0, 0, 0), payload...)
	defer clear(b)
	data, status, err := c.exchange(b, size)
	if err != nil {
		c.err = lost(err)
		_ = c.c.Close()
		return nil, c.err
	}
	switch {
	case status == statusDone:
		return data, nil
	case status == statusNoDrive:
		return nil, NoDriveError(c.unit)
	case status == statusNoCommand:
		return nil, fmt.Errorf("the server has no command %d", op)
	}
	return nil, transport.Error(status)
}

// lost says in one sentence what became of a connection.
func lost(err error) error {
	switch {
	case errors.Is(err, ErrNotServer):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("the server hung up")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the server did not answer within %v", patience)
	}
	return fmt.Errorf("the socket: %w", err)
}

func (c *Client) exchange(b []byte, size int) (data []byte, status uint8, err error) {
	if err := c.c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, 0, err
	}
	if _, err := c.c.Write(b); err != nil {
		return nil, 0, err
	}
	var h [answerHeader]byte
	if _, err := io.ReadFull(c.r, h[:]); err != nil {
		return nil, 0, err
	}
	n := binary.BigEndian.Uint32(h[4:])
	if h[0] != version {
		return nil, 0, ErrNotServer
	}
	if n > uint32(size) {
		return nil, 0, errors.New("an answer that is longer than asked for")
	}
	data = make([]byte, n)
	_, err = io.ReadFull(c.r, data)
	return data, h[1], err
}
