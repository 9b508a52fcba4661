package repository

import "github.com/seed-9d983aeb/fdelab/internal/image"

func init() {
	image.Register(
		image.Outside(
			ErrReadFailed, ErrWriteFailed, ErrPowerLost, errEnd, errBlank, errDamaged, ErrPermanent, ErrCopies, ErrFull,
			ErrNoEntry,
		),
	)
}
