package flash

import "github.com/seed-9d983aeb/fdelab/internal/image"

func init() {
	image.Register(
		image.Holds[*Mem](), image.Holds[*Faulty](),
		image.Outside(
			ErrNotBlank, ErrProgram, ErrErase, ErrZero, ErrRead, ErrPowerLost, ErrAddress, ErrLength, errNoDecay,
		),
	)
}
