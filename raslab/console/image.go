package console

import (
	"fmt"
	"io"
	"reflect"

	"github.com/seed-9d983aeb/fdelab/internal/image"
)

func imageForm() *image.Form {
	return image.NewForm(reflect.TypeFor[*Session](), image.Registered()...)
}

// Image is all that there is in the session, its facilities with their drives and keys included, but for its options. It is
// for [FromImage] of the very same program, and a secret like what it is of. The error says what cannot be kept, such as
// drives in files.
func (s *Session) Image() ([]byte, error) {
	b, err := imageForm().Encode(s)
	if err != nil {
		return nil, fmt.Errorf("console: no image of the session: %w", err)
	}
	return b, nil
}

// FromImage is the session of an image, with other options; of them Seed and Start are not used. Parts of
// the session are data, which must not be changed any more.
func FromImage(data []byte, o Options) (*Session, error) {
	root, err := imageForm().Decode(data)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	s := root.(*Session)
	s.options, s.out = o, io.Discard
	return s, nil
}
