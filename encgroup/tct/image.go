package tct

import "github.com/seed-9d983aeb/fdelab/internal/image"

func init() {
	image.Register(
		image.Outside(
			ErrAddress, ErrTampered, ErrCloud, ErrRefused, ErrNotFound, ErrTooLarge,
		),
	)
}
