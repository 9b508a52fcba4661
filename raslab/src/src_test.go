package src

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write CATALOGUE.md anew")

// table is the first column of the table in MAP4980 section 1, in its order,
// without the last row "Other SRCs".
var table = strings.Fields(`
	BE14CFE0 BE14CFE1 BE14CFE5 BE14CFEA BE14CFEB BE14CFF5 BE14E004 BE14E008
	BE14E009 BE14E00B BE14E011 BE14E012 BE14E013 BE14E0F1 BE14E1F6 BE14E3F7
	BE14EA0B BE14EA11 BE14EA12 BE14EA13 BE14EAF1 BE14EAF2 BE14EAF3 BE14EAF4
	BE316023 BE31CFE8 BE31F004 BE34009E BE34009F BE3400A2 BE3400A3 BE3400B3`)

func TestCatalogueHasEveryCodeOfTheMapOnce(t *testing.T) {
	var have []string
	for _, e := range All() {
		have = append(have, string(e.Code))
	}
	require.Len(t, table, 32, "the map has 32 codes")
	require.Equal(t, table, have, "All holds every code of the map once, sorted, and nothing else")
}

func TestEveryEntryIsComplete(t *testing.T) {
	field := regexp.MustCompile(`^(Title|Severity|Cause|When|Check|Action|Closing): [a-z].*\.$`)
	sentence := regexp.MustCompile(`^[A-Z"].*\.$`)
	severities := []Severity{Informational, Warning, Serious, Critical}
	whens := []When{
		DualClusterIML, PeriodicKeyRetrieval, AccessRegained, DriveCertify, HourlyHealthCheck, Repair, MESInstall,
		RankRemoval, FailedRankRecovery, DiscontinueScan, SmartRebuild, ManualRecovery, Anytime,
	}
	used := map[When]bool{}
	for _, e := range append(All(), Other("BE140000")) {
		name := string(e.Code)
		require.Regexp(t, `^[0-9A-F]{8}$`, name, "a code is eight upper-case hexadecimal digits")
		require.NotEmpty(t, e.Title, name+": has a title")
		require.NotRegexp(t, `\.$`, e.Title, name+": a title has no full stop")
		require.Contains(t, severities, e.Severity, name+": the severity is one of the scale")
		require.Regexp(t, sentence, e.Cause, name+": the cause is made of sentences")
		require.NotEmpty(t, e.When, name+": says when it is raised")
		for _, w := range e.When {
			require.Contains(t, whens, w, name+": when is one of the typed values")
			used[w] = true
		}
		require.NotEmpty(t, e.Check, name+": says what to check")
		require.NotEmpty(t, e.Action, name+": says what to do")
		for _, s := range slices.Concat(e.Check, e.Action) {
			require.Regexp(t, sentence, s, name+": a step is a sentence")
		}
		require.NotEmpty(t, e.Assumption, name+": the severity at least is an assumption")
		for _, a := range e.Assumption {
			require.Regexp(t, field, a, name+": an assumption names its field and says what is ours")
		}
		require.Contains(t, e.Reference, "MAP4980", name+": names the row it comes from")
		for _, r := range e.Related {
			_, ok := Lookup(string(r))
			require.True(t, ok, name+": related code "+string(r)+" is in the catalogue")
			require.NotEqual(t, e.Code, r, name+": is not related to itself")
		}
	}
	require.Len(t, used, len(whens), "every typed value of When is used by some entry")
}

func TestClosingRules(t *testing.T) {
	e0 := regexp.MustCompile(`^BE14E0..$`)
	var closedByCFE1 []Code
	for _, e := range All() {
		if e0.MatchString(string(e.Code)) {
			closedByCFE1 = append(closedByCFE1, e.Code)
			require.Equal(t, []Code{BE14CFE1}, e.Closing.By, "%s is closed by BE14CFE1 when access comes back", e.Code)
		} else {
			require.Empty(t, e.Closing.By, "%s is closed by no other code", e.Code)
		}
		if e.Code == BE14CFE1 {
			continue
		}
		require.Equal(t, ByHand, e.Closing.Kind, "%s is closed by hand", e.Code)
		require.Empty(t, e.Closing.With, "%s closes nothing", e.Code)
	}
	cfe1, ok := Lookup("BE14CFE1")
	require.True(t, ok)
	require.Equal(t, ClosesItself, cfe1.Closing.Kind, "BE14CFE1 closes itself")
	require.Equal(t, closedByCFE1, cfe1.Closing.With, "BE14CFE1 takes every BE14E0xx of the same partitions with it")
}

func TestSixDriveCodesAreExplainedInFull(t *testing.T) {
	for _, c := range []Code{BE31F004, BE34009E, BE34009F, BE3400A2, BE3400A3, BE3400B3} {
		e, ok := Lookup(string(c))
		require.True(t, ok)
		require.GreaterOrEqual(t, len(e.Check), 4, "%s has a full list of checks", c)
		require.GreaterOrEqual(t, len(e.Action), 4, "%s has a full list of actions", c)
		require.NotEmpty(t, e.Related, "%s names its neighbours", c)
	}
}

func TestLookupIgnoresCase(t *testing.T) {
	for _, s := range []string{"BE34009E", "be34009e", " Be34009e\n"} {
		e, ok := Lookup(s)
		require.True(t, ok, "%q is found", s)
		require.Equal(t, BE34009E, e.Code)
	}
	for _, s := range []string{"", "BE34", "BE34009EE", "BE340000", "\x00"} {
		_, ok := Lookup(s)
		require.False(t, ok, "%q is not in the catalogue", s)
	}
}

func TestOtherSendsToTheNextLevel(t *testing.T) {
	e := Other("be340000")
	require.Equal(t, Code("BE340000"), e.Code, "the answer repeats the code in upper case")
	require.Contains(t, strings.Join(e.Action, " "), "next level of support", "the one action of the map")
	require.Contains(t, e.Reference, "Other SRCs", "the row it comes from")
}

func TestSuggest(t *testing.T) {
	for in, want := range map[string]Code{
		"9e": BE34009E, "cfe1": BE14CFE1, "31f004": BE31F004, // the end of a code
		"BE34009": BE34009E, "BE3400B8": BE3400B3, "8E34009F": BE34009F, "EB14CFE0": BE14CFE0, "BE14CEF0": BE14CFE0,
		"BE31FOO4": BE31F004,
	} {
		got, ok := Suggest(in)
		require.True(t, ok, "%q resembles a code", in)
		require.Equal(t, want, got, "%q probably means %s", in, want)
	}
	for _, in := range []string{"", "E", "hello", "BE999999", strings.Repeat("B", 200)} {
		got, ok := Suggest(in)
		require.False(t, ok, "%q resembles nothing, got %s", in, got)
	}
}

func TestAllIsTheCallersOwn(t *testing.T) {
	All()[0].Code = "CHANGED"
	require.Equal(t, BE14CFE0, All()[0].Code, "a change to the slice does not reach the catalogue")
}

func TestTextFitsATerminal(t *testing.T) {
	for _, e := range append(All(), Other("BE140000")) {
		for line := range strings.Lines(Text(e)) {
			require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), textWidth, "%s: %q fits 80 columns", e.Code, line)
			require.NotRegexp(t, ` \n$`, line, "%s: no space at the end of a line", e.Code)
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	b, err := JSON(All())
	require.NoError(t, err)
	var back []Entry
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, All(), back, "what a program reads is what the catalogue holds")
}

func TestCatalogueDocument(t *testing.T) {
	const name = "CATALOGUE.md"
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(Markdown()), 0o644))
	}
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, Markdown(), string(b), "%s is what the entries say; run `make generate`", name)
}
