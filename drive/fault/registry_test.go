package fault

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPointsAreSortedAndFound(t *testing.T) {
	points := Points()
	require.True(t, slices.IsSortedFunc(points, func(a, b Info) int { return strings.Compare(string(a.Point), string(b.Point)) }), "the order is that of the names, not of registration")
	info, ok := Lookup("flashlike.erase.refused")
	require.True(t, ok)
	require.Equal(t, Info{Point: erase, Effect: "nothing is erased", Budget: "reported as degraded", Fields: HasBlock | HasBlank}, info)
	_, ok = Lookup("flashlike.erase")
	require.False(t, ok, "a part of a name is no point")
	points[0] = Info{}
	require.NotEqual(t, Info{}, Points()[0], "the list is a copy")
	require.Equal(t, "flashlike.program", torn.Operation())
	require.Equal(t, "flashlike", torn.Component())
	require.Empty(t, Point("x").Operation())
}

func TestRegisterRefusesBugs(t *testing.T) {
	before := Points()
	for name, want := range map[string]string{
		"flashlike.erase.refused": "registered twice",
		"flashlike.erase":         "want component.operation.phase",
		"a.b.c.d":                 "want component.operation.phase",
		"":                        "want component.operation.phase",
		"a..c":                    "a part of the name is empty",
		"Flash.erase.refused":     "lower-case",
		"flash.erase.3rd":         "lower-case",
		"flash.erase.-x":          "lower-case",
		"flash.er ase.x":          "lower-case",
		"flash.(erase.x":          "lower-case",
	} {
		func() {
			defer func() { require.Contains(t, recover(), want, "registering %q", name) }()
			Register(name, "effect", "budget")
		}()
	}
	require.Panics(t, func() { Register("a.b.c", "", "budget") }, "a point without effect is not documented")
	require.Panics(t, func() { Register("a.b.c", "effect", "") }, "a point without budget is not documented")
	require.Equal(t, before, Points(), "what is refused is not registered")
}

func TestMarkdown(t *testing.T) {
	require.Equal(t, `| point | effect | budget |
|---|---|---|
| `+"`cooling.fan.stuck`"+` | the fan does not turn at this start | reported as too hot, before anything melts |
| `+"`disklike.read.error`"+` | nothing is read | reported as a media failure |
| `+"`flashlike.erase.refused`"+` | nothing is erased | reported as degraded |
| `+"`flashlike.program.refused`"+` | nothing is programmed | survived |
| `+"`flashlike.program.torn`"+` | a part is programmed | survived |
| `+"`flashlike.read.rot`"+` | a bit flips | reported as degraded |
| `+"`portlike.command.lost`"+` | no answer \| ever | retried |
| `+"`ramlike.table.flipped`"+` | a bit flips | reported |
`, Markdown())
}

func TestOpNamesTheFieldsItHas(t *testing.T) {
	for _, c := range []struct {
		op   Op
		want string
	}{
		{program(3, 1), "flashlike.program block 3 page 1 blank"},
		{Op{Name: "flashlike.erase", Block: 3, Page: -1}, "flashlike.erase block 3 programmed"},
		{Op{Name: "flashlike.read", Page: -1}, "flashlike.read block 0 programmed"},
		{Op{Name: "ramlike.table", Byte: 5}, "ramlike.table byte 5"},
		{Op{Name: "disklike.read", LBA: 1 << 63}, "disklike.read LBA 9223372036854775808"},
		{Op{Name: "portlike.command", Block: 9}, "portlike.command"},
		{Op{Name: "unheard.of"}, "unheard.of"},
	} {
		require.Equal(t, c.want, c.op.String())
	}
}
