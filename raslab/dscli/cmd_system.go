package dscli

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// What customers' scripts ask first: which release, which machine, which users, which pools.

func systemCommands() []*Command {
	return []*Command{
		{
			Name: "ver", Summary: "show the release of the command line; with -l that of the facility too", Facility: true,
			Detail:  "Both are releases of fdelab: the facility's microcode is part of it.",
			Params:  []Param{{Name: "l", Flag: true, Help: "the facility's release too"}},
			Example: "ver -l",
			Run: func(c *call) error {
				version := c.session.options.Version
				if err := c.print(described("Version", "DSCLI", version)); err != nil || !arg[bool](c.args, "l") {
					return err
				}
				r := &result{class: "Version", columns: []column{left("Storage Image"), left("LMC")}}
				r.row(imageID(c.lab.Serial()), version)
				return c.print(r)
			},
		},
		{
			Name: "lssu", Summary: "list the storage unit", Facility: true,
			Params:  []Param{longParam, shortParam},
			Example: "lssu",
			Run: func(c *call) error {
				r := &result{class: "Storage Unit", columns: []column{left("Name"), left("ID"), left("Model"), left("WWNN"), left("pw state"), left("MTS")}}
				r.row("-", unitID(c.lab), model(c.lab), nodeName(c.lab.UnitSerial()), "On", c.lab.MachineType()+"-"+c.lab.UnitSerial())
				return c.list(r, 5)
			},
		},
		{
			Name: "lssi", Summary: "list the storage image", Facility: true,
			Params:  []Param{longParam, shortParam, imageOperand()},
			Example: "lssi",
			Run: func(c *call) error {
				r := &result{class: "Storage Image", columns: []column{left("Name"), left("ID"), left("Storage Unit"), left("Model"), left("WWNN"), left("State"), left("ESSNet"), left("desc")}}
				r.row("-", imageID(c.lab.Serial()), unitID(c.lab), model(c.lab), nodeName(c.lab.Serial()), imageState(c.lab), "Enabled", "-")
				return c.list(r, 7)
			},
		},
		{
			Name: "showsi", Summary: "describe the storage image", Facility: true,
			Params:  []Param{imageOperand()},
			Example: "showsi",
			Run: func(c *call) error {
				return c.print(described(
					"Storage Image", "Name", "-", "desc", "-", "ID", imageID(c.lab.Serial()), "Storage Unit", unitID(c.lab), "Model", model(c.lab), "WWNN", nodeName(c.lab.Serial()),
					"State", imageState(c.lab), "ESSNet", "Enabled", "MTS", c.lab.MachineType()+"-"+c.lab.UnitSerial(), "numegsupported", raslab.KeyGroupsMax,
				))
			},
		},
		{
			Name: "lsserver", Summary: "list the two partitions that serve the storage image", Facility: true,
			Params:  []Param{longParam, shortParam, imageOperand()},
			Example: "lsserver",
			Run: func(c *call) error {
				r := &result{class: "Server", columns: []column{left("ID"), left("Image ID"), left("State"), left("LMC Version"), left("data")}}
				for _, p := range c.lab.Partitions() {
					state, data := "online", "accessible"
					if strings.HasPrefix(p.State, "IML in") {
						state = "IML in progress"
					}
					if !p.DataAccess {
						data = "not accessible"
					}
					r.row(fmt.Sprintf("%02d", p.ID), imageID(c.lab.Serial()), state, c.session.options.Version, data)
				}
				return c.list(r, 4)
			},
		},
		{
			Name: "lsuser", Summary: "list the users", Facility: true,
			Params:  []Param{longParam, shortParam},
			Example: "lsuser",
			Run: func(c *call) error {
				r := &result{class: "User", columns: []column{left("Name"), left("Group"), left("State")}}
				for _, u := range users {
					r.row(u.Name, groupOf(u), "active")
				}
				return c.list(r, 3)
			},
		},
		{
			Name: "whoami", Summary: "show the user and his group", Facility: true,
			Example: "whoami",
			Run: func(c *call) error {
				u, _ := userNamed(c.session.options.User)
				return c.print(described("User", "Name", u.Name, "Group", groupOf(u)))
			},
		},
		{
			Name: "lsextpool", Summary: "list the extent pools", Facility: true,
			Detail:  "The lab has no volumes: hosts reach a rank itself, so nothing of a pool is allocated. An extent has 2^30 bytes.",
			Params:  []Param{longParam, shortParam, {Name: "pool", Kind: idKind("pool", "P"), Operand: true, Repeat: true, Help: "pools", Complete: poolIDs}},
			Example: "lsextpool",
			Run: func(c *call) error {
				ids := arg[[]string](c.args, "pool")
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
			},
		},
	}
}

// described is a description: names and values by turns.
func described(class string, pairs ...any) *result {
	r := &result{class: class, one: true}
	var values []any
	for i := 0; i < len(pairs); i += 2 {
		r.columns = append(r.columns, left(fmt.Sprint(pairs[i])))
		values = append(values, pairs[i+1])
	}
	r.row(values...)
	return r
}

// groupOf is DSCLI's name of the group that has a role.
func groupOf(u reckey.User) string {
	if u.Role == reckey.SecurityAdministrator {
		return "secadmin"
	}
	return "admin"
}

func imageOperand() Param {
	return Param{Name: "image", Kind: imageKind, Operand: true, Help: "the storage image", Complete: images}
}

// unitID is the storage unit that holds the storage image.
func unitID(lab *raslab.Lab) string { return imageID(lab.UnitSerial()) }

func model(lab *raslab.Lab) string {
	_, m, _ := strings.Cut(lab.MachineType(), "-")
	return m
}

// imageState is Online while a partition has completed its IML.
func imageState(lab *raslab.Lab) string {
	for _, p := range lab.Partitions() {
		if !strings.HasPrefix(p.State, "IML in") {
			return "Online"
		}
	}
	return "Offline"
}

// nodeName is a world wide node name of IBM's form: its company number, then what a
// serial number comes to (assumption).
func nodeName(serial string) string {
	h := fnv.New32a()
	h.Write([]byte(serial))
	return fmt.Sprintf("500507630%07X", h.Sum32()>>4)
}

func poolIDs(lab *raslab.Lab) (ids []string) {
	for _, p := range lab.Pools() {
		ids = append(ids, p.ID)
	}
	return ids
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
