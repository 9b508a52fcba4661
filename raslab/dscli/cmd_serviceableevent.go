package dscli

import (
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

var eventCommands = []*Command{
	{
		Name: "lsserviceableevents", Summary: "list the serviceable events",
		Params: []Param{
			longParam, shortParam,
			{Name: "state", Kind: wordKind, Values: []string{"open", "closed", "all"}, Default: "open", Help: "which"},
			eventsParam(false),
		},
		Example: "lsserviceableevents -state all",
		Run:     lsserviceableevents,
	},
	{
		Name: "closeserviceableevent", Summary: "close serviceable events by hand",
		Detail: "The facility looks again first. While the cause still holds, the close is refused and the answer says what is still wrong. -force closes the event all the same.",
		Params: []Param{
			quietParam,
			{Name: "force", Flag: true, Help: "although the cause still holds"},
			{Name: "reason", Kind: textKind, Default: "repaired", Help: "what was done"},
			eventsParam(true),
		},
		Example: `closeserviceableevent -quiet -reason "drive exchanged" 1`,
		Run:     closeserviceableevent,
	},
}

func lsserviceableevents(c *call, a Args) error {
	ids := arg[[]string](a, "event")
	if err := c.exist("serviceable event", ids, eventIDs(c.lab)); err != nil {
		return err
	}
	state := arg[string](a, "state")
	r := &result{class: "Serviceable Event", columns: []column{
		left("ID"), left("SRC"), left("severity"), left("state"), left("partition"), number("count"), left("first"), left("last"), left("location"), left("callhome"), left("found"),
	}}
	for _, e := range c.lab.Events() {
		now := map[bool]string{true: "open", false: "closed"}[e.Open]
		if wanted(ids, strconv.Itoa(e.ID)) && (state == "all" || state == now) {
			r.row(e.ID, e.SRC, e.Severity, now, partitions(e), e.Count, c.stamp(e.First), c.stamp(e.Last), strings.Join(e.Locations, ","), callHome(e), plain(strings.Join(e.Found, "; ")))
		}
	}
	return c.list(r, 10)
}

func closeserviceableevent(c *call, a Args) error {
	ids := arg[[]string](a, "event")
	if err := c.exist("serviceable event", ids, eventIDs(c.lab)); err != nil {
		return err
	}
	return c.each(ids, msgEventClose, msgEventClosed, func(id string) error {
		n, err := strconv.Atoi(id)
		if err == nil {
			_, err = c.lab.CloseEvent(n, "DSCLI", arg[string](a, "reason"), arg[bool](a, "force"))
		}
		if err != nil {
			return c.refuse(err)
		}
		return nil
	})
}

// callHome is the number of the problem record at the support centre, or how far the
// request for service has come.
func callHome(e raslab.ServiceEvent) string {
	if e.Call.Number != "" {
		return e.Call.Number
	}
	return string(e.Call.State)
}

func partitions(e raslab.ServiceEvent) string {
	parts := make([]string, len(e.Partitions))
	for i, p := range e.Partitions {
		parts[i] = strconv.Itoa(p)
	}
	return strings.Join(parts, ",")
}
