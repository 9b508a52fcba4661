package entropy

import (
	"math/rand/v2"

	"github.com/seed-9d983aeb/fdelab/internal/image"
)

func init() {
	image.Register(
		image.As(func(r *reader) (*rand.ChaCha8, error) {
			if r.state == nil {
				return nil, nil
			}
			return r.state(), nil
		}, func(c *rand.ChaCha8) (reader, error) {
			if c == nil {
				return reader{}, nil
			}
			return newReader(c), nil
		}),
		image.Holds[reader](), image.Holds[*checked](), image.Outside(ErrRepeats),
	)
}
