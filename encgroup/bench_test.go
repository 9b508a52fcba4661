package encgroup

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// The cost of an admission is the drive's: four authentications' worth of tries
// on flash and two key records; the record of the group is written twice.
func BenchmarkAdmit(b *testing.B) {
	for _, members := range []int{0, 32, 1536} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			r := accessible(b)
			rec := r.group.Record()
			for i := range members {
				rec.Members = append(rec.Members, Member{Serial: fmt.Sprintf("M%04d", i), Generation: 1, Last: 1})
			}
			require.NoError(b, r.group.saveAll(rec))
			d := r.drive("A1")
			b.ReportAllocs()
			for b.Loop() {
				if err := r.group.Admit(d); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				require.NoError(b, r.group.Release(d))
				b.StartTimer()
			}
		})
	}
}

func BenchmarkUnlock(b *testing.B) {
	r := accessible(b)
	d := r.member("A1")
	b.ReportAllocs()
	for b.Loop() {
		if err := r.group.Unlock(d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRekey(b *testing.B) {
	r := accessible(b)
	d := r.member("A1")
	b.ReportAllocs()
	for b.Loop() {
		if err := r.group.Rekey(d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRetrieve(b *testing.B) {
	r := accessible(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := r.group.Retrieve(); err != nil {
			b.Fatal(err)
		}
	}
}
