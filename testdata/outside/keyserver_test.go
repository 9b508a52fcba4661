package outside

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// A facility takes its keys from a key server of another make, and finds out by
// itself when the server is gone.
func TestAFacilityIsServedByAKeyServerOfAnotherMake(t *testing.T) {
	vault := NewVault(entropy.Stream(1, "vault"))
	var replicas []*Replica
	lab, err := raslab.New(raslab.Options{Drives: 16, Seed: 7, Dial: func(m raslab.KeyManagerInfo) encgroup.KeyServer {
		r := vault.Replica(m.Addr)
		replicas = append(replicas, r)
		return r
	}})
	must(t, err)
	_, err = lab.ConfigureGroup(1)
	must(t, err)
	if len(vault.keys) == 0 {
		t.Fatal("the data key is not of the vault")
	}
	_, err = lab.CreateArray("S1", raslab.RAIDAuto)
	must(t, err)
	_, err = lab.CreateRank("A0", 1)
	must(t, err)
	for _, r := range replicas {
		r.down = true
	}
	must(t, lab.Advance(24*time.Hour))
	var codes []string
	for _, e := range lab.OpenEvents() {
		codes = append(codes, e.SRC)
	}
	if !slices.Contains(codes, "BE14E008") {
		t.Fatalf("no server answers for a day, and the events are %v", codes)
	}
}
