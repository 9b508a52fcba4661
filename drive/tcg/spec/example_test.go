package spec_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
)

func Example() {
	d := spec.Discovery{Revision: 1, Features: []spec.Feature{
		spec.TPer{Sync: true, Streaming: true}.Feature(),
		spec.Enterprise{BaseComID: 0x07FE, ComIDs: 2}.Feature(),
	}}
	back, err := spec.ParseDiscovery(d.Append(nil))
	if err != nil {
		panic(err)
	}
	e, ok := back.Enterprise()
	fmt.Printf("%04X %v\n", e.BaseComID, ok)
	fmt.Println(spec.BandMaster(1), spec.Band(1), spec.MethodName(spec.Erase), spec.NotAuthorized)
	// Output:
	// 07FE true
	// 00000009 00008002 00000802 00000002 Erase tcg: NOT_AUTHORIZED
}
