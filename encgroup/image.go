package encgroup

import (
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/image"
)

// keptMemKey is what an image has of a key of a MemKeyServer.
type keptMemKey struct {
	uid, label string
	key        *secret.Key32
}

func init() {
	image.Register(
		image.As(func(v *vault) (*keys, error) {
			if *v == nil {
				return nil, nil
			}
			return (*v)(), nil
		}, func(k *keys) (vault, error) {
			if k == nil {
				return nil, nil
			}
			return lockUp(k), nil
		}),
		image.As(func(m *memKey) (keptMemKey, error) {
			return keptMemKey{m.uid, m.label, m.key()}, nil
		}, func(k keptMemKey) (memKey, error) {
			return *newMemKey(k.uid, k.label, k.key), nil
		}),
		image.Outside(
			ErrNoServer, ErrFewServers, ErrForeign, ErrConfigured, ErrGroupExists, ErrUnconfigured, ErrInaccessible, ErrMember,
			ErrNotMember, ErrErased, ErrUnfinished, ErrNotErased, ErrUnverified, ErrStore, ErrRecord, ErrImpossible, ErrMixed,
			ErrKind, ErrNoRekey, ErrMembersLeft, ErrNoDataKey, ErrNotNew, ErrNoEscrow, ErrUnreachable, ErrTimeout, ErrProtocol,
			ErrUntrusted, ErrNoKey, ErrRefused, ErrAnswer, ErrUnwrap, ErrSignature, ErrDisagree, ErrWrongKey, ErrConstant,
		),
	)
}
