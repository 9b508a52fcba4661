package reckey

import "github.com/seed-9d983aeb/fdelab/internal/image"

func init() {
	image.Register(image.As(func(h *hidden) (*entered, error) {
		if *h == nil {
			return nil, nil
		}
		return (*h)(), nil
	}, func(e *entered) (hidden, error) {
		if e == nil {
			return nil, nil
		}
		return hide(e), nil
	}), image.Outside(ErrState, ErrRole, ErrSameUser, ErrWrong, ErrUser))
}
