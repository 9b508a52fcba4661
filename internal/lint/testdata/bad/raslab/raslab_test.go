package raslab

import "bad.example/raslab/src"

var _ = src.BE34009E
