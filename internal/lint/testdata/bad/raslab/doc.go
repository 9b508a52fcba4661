// Package raslab raises codes.
package raslab

import "bad.example/raslab/src"

// Once raises each.
func Once() []src.Code { return []src.Code{src.BE34009E, src.BE34009F} }

// Twice raises one again.
func Twice() src.Code { return src.BE34009E }

// Spelt raises one by its spelling.
func Spelt() src.Code { return "BE34009F" }
