package dscli

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var extpoolCommands = []*Command{
	{
		Name: "lsextpool", Summary: "list the extent pools",
		Detail:  "The lab has no volumes: hosts reach a rank itself, so nothing of a pool is allocated. An extent has 2^30 bytes.",
		Params:  []Param{longParam, shortParam, {Name: "pool", Kind: idKind("pool", "P"), Bare: true, Repeat: true, Help: "pools", Complete: of(poolIDs)}},
		Example: "lsextpool",
		Run:     lsextpool,
	},
}

func lsextpool(c *call, a Args) error {
	ids := arg[[]string](a, "pool")
	if err := c.exist("extent pool", ids, poolIDs(c.lab)); err != nil {
		return err
	}
	r := &result{class: "Extent Pool", columns: []column{
		left("Name"), left("ID"), left("stgtype"), number("rankgrp"), left("status"), number("availstor (2^30B)"), number("%allocated"), number("available"), number("reserved"), number("numvols"),
		number("numranks"), left("keygrp"),
	}}
	for i, p := range c.lab.Pools() {
		if !wanted(ids, p.ID) {
			continue
		}
		free := poolBytes(c.lab, p)
		group := any(p.KeyGroup)
		if p.KeyGroup == 0 {
			group = "-"
		}
		r.row(fmt.Sprintf("pool_%d", i), p.ID, "fb", rankGroup(p.ID), "below", fmt.Sprintf("%.4f", float64(free)/(1<<30)), 0, free>>30, 0, 0, len(p.Ranks), group)
	}
	return c.list(r, 10)
}

// rankGroup is the partition that serves a pool: even pools belong to 0, odd ones to 1.
func rankGroup(pool string) int {
	n, ok := numberOf(pool, "P")
	if !ok {
		panic("BUG: dscli: pool " + pool)
	}
	return n % 2
}

func poolBytes(lab *raslab.Lab, p raslab.PoolInfo) (n uint64) {
	for _, r := range lab.Ranks() {
		if r.Pool == p.ID {
			n += r.Capacity * uint64(lab.Options().SectorSize)
		}
	}
	return n
}
