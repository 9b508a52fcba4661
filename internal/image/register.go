package image

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

var registered []Kind

// Register says what forms know that [Registered] makes: each package does so for its own types, in init.
func Register(kinds ...Kind) { registered = append(registered, kinds...) }

// Registered is what all packages of the program said, in the order in which they began, and that interfaces hold errors
// around others.
func Registered() []Kind {
	return append(slices.Clone(registered), Like(fmt.Errorf("%w", io.EOF)), Like(fmt.Errorf("%w%w", io.EOF, io.EOF)), Like(errors.Join(io.EOF)), Outside(io.EOF, io.ErrUnexpectedEOF, io.ErrNoProgress))
}
