package drive

import (
	"github.com/seed-9d983aeb/fdelab/internal/image"
)

// keptMachine is what an image has of a machine: the rest is the table's.
type keptMachine struct {
	p Personality
	s State
}

func init() {
	image.Register(
		image.As(func(p *PIN) (*pinBytes, error) {
			if p.get == nil {
				return nil, nil
			}
			return p.get(), nil
		}, func(b *pinBytes) (PIN, error) {
			if b == nil {
				return PIN{}, nil
			}
			return b.pin(), nil
		}),
		image.As(func(m *machine) (keptMachine, error) {
			return keptMachine{m.p, m.state()}, nil
		}, func(k keptMachine) (machine, error) {
			return *newMachine(k.p, k.s), nil
		}),
		image.Holds[*Drive](), image.Holds[*MemMedia](), image.Holds[*FaultyMedia](),
		image.Outside(
			errNotADrive, ErrAttestation, ErrNoLabel, errGuard, ErrMedia, errNoRecord, errStale, errFragment, errFull,
		),
	)
}
