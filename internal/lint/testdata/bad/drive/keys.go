package drive

import (
	"bad.example/drive/internal/watch"
	"bad.example/drive/secret"
)

type holder struct {
	n   secret.Size
	key secret.Key32
}

type points struct {
	key  *secret.Key32
	keys []*secret.Key32
}

func parameter(_ secret.Key32, _ *secret.Key32) {}

func result() (secret.Key32, error) { return secret.Key32{}, nil }

func inside(_ holder) func([2]points) { return func([2]points) {} }

func (h holder) receiver() {}

func (h *holder) pointer() {
	_ = map[secret.Key32]int{}
	_ = []secret.Key32{}
	_ = make(chan secret.Key32)
	_ = func(k [2]secret.Key32) {}
	local := h.key
	_ = local
	var _ interface{ Get() secret.Key32 }
	watch.Watch(nil)
}
