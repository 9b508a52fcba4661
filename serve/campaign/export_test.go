package campaign

import (
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// TestExports: each form has what was met, what was not, and the failures, whatever their text has in it.
func TestExports(t *testing.T) {
	p := plan(t, "drive lifecycles=4\nmutants")
	s := &State{ID: p.ID(), Over: Done, Report: campaign.NewReport()}
	s.Report.Endings["unsafe"] = 3
	s.Report.Coverage["fault power-torn"] = 7
	s.Report.Findings = []campaign.Finding{{Key: "k", Kind: "drive", Ending: "unsafe", Why: `a <script>, "quoted" & odd`, Count: 3, Seed: 9, Again: "fdelab soak --seed 9 --lifecycles 1", Trace: []string{"read 0 1 -> done"}}}

	var b strings.Builder
	require.NoError(t, CSV(&b, p, s))
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	require.NoError(t, err)
	require.Contains(t, rows, []string{"met", "fault power-torn", "7", "", ""})
	require.Contains(t, rows, []string{"met", "fault zero-refused", "0", "", ""})
	require.Contains(t, rows, []string{"failure", `unsafe: a <script>, "quoted" & odd`, "3", "9", "fdelab soak --seed 9 --lifecycles 1"})

	b.Reset()
	require.NoError(t, JUnit(&b, p, s))
	var back suite
	require.NoError(t, xml.Unmarshal([]byte(b.String()), &back))
	require.Equal(t, 2, back.Tests)
	require.Equal(t, 1, back.Failures)
	require.Equal(t, `unsafe: a <script>, "quoted" & odd`, back.Cases[0].Failure.Message)
	require.Equal(t, "mutants", back.Cases[1].Class, "what did not fail has passed")

	b.Reset()
	require.NoError(t, HTML(&b, p, s))
	require.NotContains(t, b.String(), "<script>")
	require.Contains(t, b.String(), "fdelab soak --seed 9")
	require.Contains(t, b.String(), fmt.Sprintf("<p>%d lifecycles and mutants: ", s.Report.Units))
	require.Contains(t, b.String(), "fault zero-refused")
	require.NotContains(t, b.String(), "http", "the page needs nothing else")
}
