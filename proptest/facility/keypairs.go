package facility

// The key pairs of IPP in the model. Each key server has both, and either opens every data key that
// was wrapped. A server that was added while all others were off has none.

// pairLabels are the labels of the key pairs.
var pairLabels = [2]string{"ds8000_a", "ds8000_b"}

// keyPair is a key pair on the disk of a key server.
type keyPair struct {
	public, private bool   // which halves are there
	wrong           uint64 // bits of the private half
}

// newPairs is what the first key servers have.
func newPairs() [2]keyPair {
	return [2]keyPair{{public: true, private: true}, {public: true, private: true}}
}

// wraps says whether a server can make a data key: that takes public halves only.
func (s *keyServer) wraps() bool { return s.pairs[0].public && s.pairs[1].public }

// opens says whether a server can open a data key: that takes one private half.
func (s *keyServer) opens() bool {
	for _, p := range s.pairs {
		if p.private && p.wrong == 0 {
			return true
		}
	}
	return false
}

func (p *keyPair) lose() { p.private, p.wrong = false, 0 }

func (p *keyPair) damage(bit int) {
	if p.private {
		p.wrong ^= 1 << bit
	}
}

// restorePairs takes over the pairs of another server, but those whose private half it lost.
func (s *keyServer) restorePairs(from *keyServer) {
	for i, p := range from.pairs {
		if p.private || !s.pairs[i].public {
			s.pairs[i] = p
		}
	}
}
