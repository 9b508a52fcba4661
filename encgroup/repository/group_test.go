package repository

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// grouped is a bench with a group of some members in it, appending changes.
func grouped(t *testing.T) (*bench, *encgroup.Group, encgroup.Store) {
	b := newBench(t, 3).logging(0)
	c, err := encgroup.NewMemCluster(entropy.Stream(1, "servers"), "a", "b")
	require.NoError(t, err)
	random, store := entropy.Stream(1, "group"), b.repo.Store("group 2")
	g := encgroup.New(c.Servers(), random, store)
	require.NoError(t, g.Configure("x"))
	rec := g.Record()
	for i := range 3 {
		rec.Members = append(rec.Members, encgroup.Member{Serial: fmt.Sprintf("M%d", i), Generation: 1, Last: 1})
	}
	entries, err := rec.Entries()
	require.NoError(t, err)
	require.NoError(t, store.Replace(entries))
	g, err = encgroup.Load(entries, c.Servers(), random, store)
	require.NoError(t, err)
	require.NoError(t, g.Retrieve())
	return b, g, store
}

func TestAGroupHasAnEntryForEachMember(t *testing.T) {
	b, g, _ := grouped(t)
	require.NoError(t, b.repo.Put("group 2 EEDK", []byte("keys")))
	require.NoError(t, b.repo.Put("group 22", []byte("another")))
	require.NoError(t, b.repo.Put("group 22 member M1", []byte("another")))
	require.NoError(t, b.repo.Put("group 2 member ", []byte("no serial number")))
	all := b.repo.Names()
	require.Equal(t, []string{
		"certificate", "group 1", "group 2", "group 2 EEDK", "group 2 member ", "group 2 member M0", "group 2 member M1", "group 2 member M2", "group 22", "group 22 member M1",
	}, all)
	before, _, err := b.repo.Store("group 2").Load()
	require.NoError(t, err)
	require.NoError(t, g.Forget("M1"))
	after, rep, err := b.repo.Store("group 2").Load()
	require.NoError(t, err)
	require.Equal(t, Good, rep.Verdict)
	require.Len(t, after, 4)
	for i, e := range after {
		require.Equal(t, i == 1 || i == 3, string(e.Bytes) == string(before[i].Bytes), "entry %q", e.Serial)
	}
	rec, err := encgroup.ReadRecord(after)
	require.NoError(t, err)
	require.Equal(t, g.Record(), rec)

	require.NoError(t, b.repo.Store("group 2").Replace(after[:1]))
	require.NotContains(t, b.repo.Names(), "group 2 member M0", "what a whole record does not have is gone")
	require.NoError(t, b.repo.Store("group 2").Replace(after))
	require.Equal(t, all, b.repo.Names())
	require.NoError(t, b.repo.Store("group 2").Remove())
	require.Equal(t, []string{"certificate", "group 1", "group 2 EEDK", "group 2 member ", "group 22", "group 22 member M1"}, b.repo.Names())
	_, _, err = b.repo.Store("group 2").Load()
	require.ErrorIs(t, err, ErrNoEntry)
	pages := fmt.Sprint(b.mem[0].pages)
	require.NoError(t, b.repo.Store("group 2").Remove())
	require.Equal(t, pages, fmt.Sprint(b.mem[0].pages), "where there is nothing, nothing is written")
	b.arm("(repository.write.refused)")
	require.ErrorIs(t, b.repo.Store("group 22").Remove(), ErrCopies)
	require.Contains(t, b.repo.Names(), "group 22 member M1")
}

// TestPowerCutInAChangeOfAGroup cuts the power at each page of each change of a group: the record is
// the old one or the new one, never entries of both.
func TestPowerCutInAChangeOfAGroup(t *testing.T) {
	for name, change := range map[string]func(g *encgroup.Group, s encgroup.Store) error{
		"of a member":  func(g *encgroup.Group, _ encgroup.Store) error { return g.Forget("M1") },
		"of the group": func(g *encgroup.Group, _ encgroup.Store) error { return g.BeginGroupRekey() },
		"of everything": func(g *encgroup.Group, s encgroup.Store) error {
			rec := g.Record()
			for i := range rec.Members {
				rec.Members[i].Last++
			}
			entries, err := rec.Entries()
			require.NoError(t, err)
			return s.Replace(entries)
		},
	} {
		for _, mode := range []string{"before", "torn", "after"} {
			for n := 0; ; n++ {
				require.Less(t, n, 100, "the sweep does not end")
				b, g, store := grouped(t)
				before, _, err := b.repo.Store("group 2").Load()
				require.NoError(t, err)
				p := b.armUnchecked(fmt.Sprintf("(repository.power.%s (OnIndex %d))", mode, n))
				err = change(g, store)
				if len(p.Fired()) == 0 {
					require.NoError(t, err)
					require.Positive(t, n)
					break
				}
				require.ErrorIs(t, err, ErrPowerLost)
				b.bad.Disarm()
				rep, err := b.reboot()
				require.NoError(t, err)
				require.Zero(t, rep.Bad())
				after, _, err := b.repo.Store("group 2").Load()
				require.NoError(t, err)
				rec, err := encgroup.ReadRecord(after)
				require.NoError(t, err, "a change %s, %s at %d", name, mode, n)
				changed := 0
				for i := range after {
					if string(after[i].Bytes) != string(before[i].Bytes) {
						changed++
					}
				}
				require.Contains(t, []int{0, map[string]int{"of a member": 2, "of the group": 1, "of everything": 4}[name]}, changed)
				require.Len(t, rec.Members, 3)
			}
		}
	}
}
