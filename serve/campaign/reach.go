package campaign

import (
	"errors"

	"github.com/nats-io/nats.go"
)

// At does something with a connection to the server of a directory: see Reach. Where the process that ran the campaign
// ends meanwhile it is done again, at the server of another. The error is that of do, of Reach or of closing.
func At(dir string, do func(*nats.Conn) error) error {
	for {
		nc, closeIt, err := Reach(dir)
		if err != nil {
			return err
		}
		err = do(nc)
		ended := err != nil && nc.IsClosed()
		if err = errors.Join(err, closeIt()); !ended {
			return err
		}
	}
}
