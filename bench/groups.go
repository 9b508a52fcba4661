//go:build unix

package main

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

func newGroup(name string) *encgroup.Group {
	servers := must(encgroup.NewMemCluster(entropy.Stream(1, name+" servers"), "one", "two"))
	g := encgroup.New(servers.Servers(), entropy.Stream(1, name), &encgroup.MemStore{})
	if err := g.Configure("bench"); err != nil {
		panic(err)
	}
	return g
}

// groups is what must not cost more a drive in a large group than in a small one.
func groups() (all []row) {
	const small = 256
	for _, members := range []int{1024, 6144} {
		for _, work := range []struct {
			what string
			side func(members int) side
		}{{"admission to a group", admission}, {"new group key", newGroupKey}} {
			all = append(all, row{
				name: fmt.Sprintf("%s, CPU a drive, %d members", work.what, members), peer: fmt.Sprintf("%d members", small), ratio: 1.3, once: true, turns: 3,
				ours: work.side(members), theirs: work.side(small),
			})
		}
	}
	return all
}

// each is the time that f takes for one of so many drives.
func each(drives int, f func() error) (time.Duration, error) {
	start := used()
	err := f()
	return (used() - start) / time.Duration(drives), err
}

func manufacturedAll(members int) (all []encgroup.Drive) {
	for i := range members {
		d, _ := manufactured(fmt.Sprintf("M%04d", i), 0)
		all = append(all, d)
	}
	return all
}

func admitted(g *encgroup.Group, drives []encgroup.Drive) error {
	for _, d := range drives {
		if err := g.Admit(d); err != nil {
			return err
		}
	}
	return nil
}

func admission(members int) side {
	return func(int) (time.Duration, error) {
		g, drives := newGroup("admission"), manufacturedAll(members)
		return each(members, func() error { return admitted(g, drives) })
	}
}

func newGroupKey(members int) side {
	return func(int) (time.Duration, error) {
		g, drives := newGroup("rekey"), manufacturedAll(members)
		if err := admitted(g, drives); err != nil {
			return 0, err
		}
		return each(members, func() error {
			_, err := g.RekeyGroupKey(drives)
			return err
		})
	}
}
