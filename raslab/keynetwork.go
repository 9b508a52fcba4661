package raslab

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// The way to a key, as hardware: partition, link, management console (HMC), network, key server.
// The last two are the customer's (package customer). The software finds out what is broken here
// only by asking for a key.

// link is the internal network between one partition and one console.
type link struct {
	cut     bool // a cable is out
	stalled bool // it carries the command, and no answer comes back in time
	plan    *fault.Plan
}

// hmc is the management consoles and their links to the partitions.
type hmc struct {
	consoles [2]console
	links    [2][2]link // of a partition to a console
}

// console is one management console.
type console struct {
	id     int // counts from 1
	off    bool
	hung   bool // it takes commands and does not answer in time
	essni  bool // its process ESSNI, which takes the commands of the partitions, is down
	serves bool // the facility has it

	outsideCut bool // its network to the support centre
}

func (c *console) name() string { return fmt.Sprintf("HMC%d", c.id) }

// ConsoleInfo is one management console (HMC) and its links.
type ConsoleInfo struct {
	ID    int    // counts from 1
	Name  string // HMC1
	On    bool
	Hung  bool
	ESSNI bool      // the process that takes the commands of partitions and of DS CLI runs
	Links [2]string // to partition 0 and 1: "up", "cut", "stalled"
	Cut   bool      // it does not reach the support centre
}

// String is the console and how it is.
func (c ConsoleInfo) String() string {
	return fmt.Sprintf("%s: on %v, hung %v, links %s and %s", c.Name, c.On, c.Hung, c.Links[0], c.Links[1])
}

// Consoles lists the management consoles.
func (l *Lab) Consoles() []ConsoleInfo {
	var out []ConsoleInfo
	for i := range l.hmc.consoles {
		c := &l.hmc.consoles[i]
		if !c.serves {
			continue
		}
		info := ConsoleInfo{ID: c.id, Name: c.name(), On: !c.off, Hung: c.hung, ESSNI: !c.essni, Cut: c.outsideCut}
		for p := range l.hmc.links {
			info.Links[p] = "up"
			switch k := &l.hmc.links[p][i]; {
			case k.cut:
				info.Links[p] = "cut"
			case k.stalled:
				info.Links[p] = "stalled"
			}
		}
		out = append(out, info)
	}
	return out
}

func (l *Lab) console(op string, id int) (*console, error) {
	if id < 1 || id > l.options.Consoles {
		return nil, refuse(ErrNotFound, op, fmt.Sprintf("there is no console %d", id), fmt.Sprintf("consoles are 1 to %d", l.options.Consoles))
	}
	return &l.hmc.consoles[id-1], nil
}

// PowerConsole turns a console on or off.
func (l *Lab) PowerConsole(id int, on bool) error {
	return l.setConsole("hmc power", id, func(c *console) string {
		c.off = !on
		return map[bool]string{true: "is on", false: "is off"}[on]
	})
}

// HangConsole lets a console hang, or go on. A hung console takes commands and does not answer in
// time.
func (l *Lab) HangConsole(id int, hung bool) error {
	return l.setConsole("hmc hang", id, func(c *console) string {
		c.hung = hung
		return map[bool]string{true: "hangs", false: "answers"}[hung]
	})
}

// SetESSNI ends the network interface process of a console (ESSNI), or starts it again. The console
// itself goes on: the partitions reach it, but nothing takes their commands.
func (l *Lab) SetESSNI(id int, up bool) error {
	return l.setConsole("hmc essni", id, func(c *console) string {
		c.essni = !up
		return map[bool]string{true: "runs ESSNI", false: "has no ESSNI: it takes no commands"}[up]
	})
}

func (l *Lab) setConsole(op string, id int, f func(*console) string) error {
	c, err := l.console(op, id)
	if err != nil {
		return err
	}
	l.logf(c.name(), "%s", f(c))
	return nil
}

func noPartition(id int) string { return fmt.Sprintf("there is no partition %d", id) }

// LinkState is what a link between partition and console is like.
type LinkState string

// The states of a link.
const (
	LinkUp      LinkState = "up"
	LinkCut     LinkState = "cut"
	LinkStalled LinkState = "stalled" // commands arrive, their answers do not come in time
)

// SetLink cuts, stalls or mends the link between a partition (0 or 1) and a console.
func (l *Lab) SetLink(partition, consoleID int, to LinkState) error {
	const op = "link set"
	c, err := l.console(op, consoleID)
	switch {
	case err != nil:
		return err
	case partition < 0 || partition > 1:
		return refuse(ErrNotFound, op, noPartition(partition), "partitions are 0 and 1")
	case to != LinkUp && to != LinkCut && to != LinkStalled:
		return refuse(ErrInvalid, op, fmt.Sprintf("no link can be %q", to), "up, cut and stalled are right")
	}
	k := &l.hmc.links[partition][consoleID-1]
	k.cut, k.stalled = to == LinkCut, to == LinkStalled
	l.logf("link", "partition %d to %s is %s", partition, c.name(), to)
	return nil
}

// ArmLink arms a fault plan on the link of a partition to a console (points "link.…"). No
// plan (nil) disarms. A copy of the plan counts operations from now on.
func (l *Lab) ArmLink(partition, consoleID int, plan *fault.Plan) error {
	if _, err := l.console("fault arm", consoleID); err != nil {
		return err
	}
	if partition < 0 || partition > 1 {
		return refuse(ErrNotFound, "fault arm", noPartition(partition), "partitions are 0 and 1")
	}
	return l.arm(&l.hmc.links[partition][consoleID-1].plan, fmt.Sprintf("link of partition %d to HMC%d", partition, consoleID), plan, "link")
}

func (l *Lab) arm(where **fault.Plan, name string, plan *fault.Plan, component string) error {
	if plan == nil {
		*where = nil
		l.logf(name, "disarmed")
		return nil
	}
	for _, point := range plan.Points() {
		if point.Component() != component {
			return refuse(ErrInvalid, "fault arm", fmt.Sprintf("the %s has no fault point %s", name, point), "points of "+component+" are right here")
		}
	}
	*where = plan.Clone()
	l.logf(name, "armed %s", plan)
	return nil
}
