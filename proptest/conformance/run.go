package conformance

import "testing"

// Run judges a device with every property, one subtest each. A property that was not judged is
// skipped, and says what it would need.
func Run(t *testing.T, newDevice Maker, options ...Options) {
	t.Helper()
	o := Options{}
	for _, x := range options {
		o = x
	}
	if o.Seeds == nil {
		o.Seeds = []uint64{1, 2, 3}
	}
	chosen, err := choose(o.Only)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range chosen {
		t.Run(p.ID, func(t *testing.T) {
			t.Parallel()
			r := (&judge{maker: newDevice, o: o}).property(p)
			switch r.Verdict {
			case Failed:
				t.Fatal(r.String())
			case NotJudged:
				t.Skip(r.String())
			default:
				t.Logf("%s; %d commands, %d faults, %d searches", p.Name, r.Commands, r.Faults, r.Searches)
			}
		})
	}
}
