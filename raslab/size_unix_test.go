//go:build unix

package raslab

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sizes are the drives of one key group. A facility has at most 1,536. What grows with the square of
// the members shows at four times as many.
var sizes = []int{256, 1024, 6144}

// BenchmarkRanks makes the ranks of a facility of one key group, and then exchanges the group key.
// It gives the CPU time a drive at three sizes, and the ratio to the smallest.
func BenchmarkRanks(b *testing.B) {
	for range b.N {
		var create, rekey []float64
		for _, n := range sizes {
			l := sized(b, n)
			ok(b, l)(l.ConfigureGroup(1))
			for _, s := range l.plant.Sites() {
				ok(b, l)(l.CreateArray(s.ID, RAIDAuto))
			}
			arrays := l.plant.Arrays()
			create = append(create, cpu(func() {
				for _, a := range arrays {
					ok(b, l)(l.CreateRank(a.ID, 1))
				}
			})/float64(8*len(arrays)))
			rekey = append(rekey, cpu(func() { ok(b, l)(l.RekeyGroupKey(1)) })/float64(8*len(arrays)))
		}
		for i, n := range sizes {
			b.ReportMetric(create[i]/create[0], fmt.Sprintf("create-x-%d", n))
			b.ReportMetric(rekey[i]/rekey[0], fmt.Sprintf("rekey-x-%d", n))
			b.Logf("%5d drives: rank creation %.0f us a drive, %.2f x; exchange of the group key %.0f us, %.2f x", n, create[i], create[i]/create[0], rekey[i], rekey[i]/rekey[0])
		}
	}
}

// sized is a facility of n drives, which may be more than it can have.
func sized(b *testing.B, n int) *Lab {
	o := Options{Drives: 8, Seed: 5}
	require.NoError(b, o.complete())
	o.Drives = n
	l, err := build(o)
	require.NoError(b, err)
	return l
}

// cpu is the CPU time of this process that do takes, in microseconds.
func cpu(do func()) float64 {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			panic(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	do()
	return float64((used() - before).Microseconds())
}
