package dscli

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var siCommands = []*Command{
	{
		Name: "lssi", Summary: "list the storage image",
		Params:  []Param{longParam, shortParam, imageOperand()},
		Example: "lssi",
		Run:     lssi,
	},
	{
		Name: "showsi", Summary: "describe the storage image",
		Params:  []Param{imageOperand()},
		Example: "showsi",
		Run:     showsi,
	},
}

func lssi(c *call, a Args) error {
	r := &result{class: "Storage Image", columns: []column{left("Name"), left("ID"), left("Storage Unit"), left("Model"), left("WWNN"), left("State"), left("ESSNet"), left("desc")}}
	r.row("-", imageID(c.lab.Serial()), unitID(c.lab), model(c.lab), nodeName(c.lab.Serial()), imageState(c.lab), "Enabled", "-")
	return c.list(r, 7)
}

func showsi(c *call, a Args) error {
	return c.print(described(
		"Storage Image", "Name", "-", "desc", "-", "ID", imageID(c.lab.Serial()), "Storage Unit", unitID(c.lab), "Model", model(c.lab), "WWNN", nodeName(c.lab.Serial()),
		"State", imageState(c.lab), "ESSNet", "Enabled", "MTS", c.lab.MachineType()+"-"+c.lab.UnitSerial(), "numegsupported", raslab.KeyGroupsMax,
	))
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

// nodeName is a world wide node name of IBM's form: its company number, then a hash of the serial
// number (assumption).
func nodeName(serial string) string {
	h := fnv.New32a()
	h.Write([]byte(serial))
	return fmt.Sprintf("500507630%07X", h.Sum32()>>4)
}
