package facility

// The key pairs of IPP, as the model has them: each machine of the customer has both,
// and either opens every data key that was wrapped. It calls nothing of the facility.

// worldLabels are the labels of the pairs.
var worldLabels = [2]string{"ds8000_a", "ds8000_b"}

// worldPair is a key pair on the disk of a machine.
type worldPair struct {
	public, private bool   // which halves are there
	wrong           uint64 // bits of the private half
}

// pairUp makes the key pairs, on all machines, when the first is to be asked by IPP.
func (k *keyWorld) pairUp() {
	if k.paired {
		return
	}
	k.paired = true
	for _, h := range k.hosts {
		h.pairs = [2]worldPair{{public: true, private: true}, {public: true, private: true}}
	}
}

// wraps says whether a machine can make a data key: that takes public halves only.
func (h *worldHost) wraps() bool { return h.pairs[0].public && h.pairs[1].public }

// opens says whether a machine can open a data key: that takes one private half.
func (h *worldHost) opens() bool {
	for _, p := range h.pairs {
		if p.private && p.wrong == 0 {
			return true
		}
	}
	return false
}

func (p *worldPair) lose() { p.private, p.wrong = false, 0 }

func (p *worldPair) damage(bit int) {
	if p.private {
		p.wrong ^= 1 << bit
	}
}

// copyPairs: a private half that is gone at the other machine takes none away here.
func copyPairs(to, from *worldHost) {
	for i, p := range from.pairs {
		if p.private || !to.pairs[i].public {
			to.pairs[i] = p
		}
	}
}
