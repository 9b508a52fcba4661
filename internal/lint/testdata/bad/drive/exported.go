package drive

import "bad.example/internal/hidden"

// Takes has it as a parameter.
func Takes(n int, t ...*hidden.Type) {}

// Gives has it as a result, in a function.
func Gives() func() hidden.Type { return nil }

// Shown has it in a field, in a method and in an embedded one.
type Shown struct {
	Field  map[string]hidden.Type
	secret hidden.Type
	hidden.Type
}

// Method takes it.
func (s *Shown) Method(hidden.Type) {}

func (s *Shown) method(hidden.Type) {}

// Asked has it in an interface.
type Asked interface {
	Ask() []hidden.Type
}

// Other is the same under another name.
type Other = hidden.Type

// Value is one.
var Value hidden.Type

func takes(hidden.Type) {}
