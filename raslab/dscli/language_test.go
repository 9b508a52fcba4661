package dscli

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRegistry(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Commands() {
		require.False(t, seen[c.Name], "%s is there once", c.Name)
		seen[c.Name] = true
		require.Equal(t, strings.ToLower(c.Name), c.Name)
		require.NotEmpty(t, c.Summary)
		words, err := split(c.Example)
		require.NoError(t, err)
		found, err := lookup(words[0].text)
		require.NoError(t, err)
		require.Same(t, c, found, "the example of %s is one of it", c.Name)
		a, err := bind(c, "75NR641", "", words[1:])
		require.NoError(t, err, "the example of %s is understood", c.Name)
		written := language.Written(a)
		again, err := split(written)
		require.NoError(t, err)
		b, err := bind(c, "75NR641", "", again[1:])
		require.NoError(t, err, "%s is understood as it is written back: %s", c.Name, written)
		require.Equal(t, written, language.Written(b))

		names, repeated := map[string]bool{}, false
		for _, p := range language.Params(c) {
			require.False(t, names[p.Name], "%s takes %s once", c.Name, p.Name)
			names[p.Name] = true
			require.NotEmpty(t, p.Help, "%s -%s", c.Name, p.Name)
			require.False(t, p.Bare && repeated, "%s: nothing stands behind a repeated operand", c.Name)
			repeated = repeated || p.Repeat
		}
		require.Equal(t, strings.HasPrefix(c.Name, "rm") || strings.HasPrefix(c.Name, "manage") || c.Name == "closeserviceableevent" || c.Name == "mkreckey",
			names["quiet"], "%s asks, or it does not", c.Name)
	}
	for _, name := range strings.Fields(`lskeymgr showkeymgr mkkeymgr chkeymgr rmkeymgr lskeygrp showkeygrp mkkeygrp rmkeygrp managekeygrp mkreckey managereckey
		lsddm lsarraysite lsarray mkarray rmarray lsrank mkrank rmrank lsserviceableevents closeserviceableevent help quit`) {
		require.True(t, seen[name], "%s is a command", name)
	}
}

// Every beginning of a name means that command or several. A beginning that is itself a name means
// the command of that name.
func TestAbbreviations(t *testing.T) {
	for _, c := range Commands() {
		for n := 2; n <= len(c.Name); n++ {
			short := c.Name[:n]
			fit := slices.DeleteFunc(language.Names(), func(name string) bool { return !strings.HasPrefix(name, short) })
			found, err := lookup(strings.ToUpper(short))
			switch {
			case slices.Contains(fit, short):
				require.NoError(t, err)
				require.Equal(t, short, found.Name)
			case len(fit) == 1:
				require.NoError(t, err)
				require.Same(t, c, found, short)
			default:
				require.ErrorContains(t, err, "write more of it", short)
			}
		}
	}
	_, err := lookup("l")
	require.Error(t, err, "one letter is no command")

	c, err := lookup("mkkeymgr")
	require.NoError(t, err)
	p, err := parameter(c, "KEYP")
	require.NoError(t, err)
	require.Equal(t, "keyprotocol", p.Name, "a parameter may be cut short, too")
	_, err = parameter(c, "key")
	require.EqualError(t, err, `"-key" may be -keyprotocol or -keygrp; write more of it`)
	p, err = parameter(c, "p")
	require.NoError(t, err)
	require.Equal(t, "p", p.Name, "a whole name is itself, though others begin so")
}

func TestIdentifiers(t *testing.T) {
	kind := idKind("rank", "R")
	for text, want := range map[string][]string{
		"R0":                  {"R0"},
		"r7":                  {"R7"},
		"R0-R2":               {"R0", "R1", "R2"},
		"R1,R3-R4":            {"R1", "R3", "R4"},
		"IBM.2107-75NR641/R0": {"R0"},
		"ibm.2107-75nr641/r0": {"R0"},
		"R007":                {"R7"},
	} {
		got, err := kind.Parse("75NR641", text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "R", "0", "A0", "R-1", "R0-", "R2-R1", "R0,,R1", "R0-R1-R2", "R0-R256", "R9999999", "IBM.2107-75DLR51/R0", "R0 ", "R+1"} {
		_, err := kind.Parse("75NR641", text)
		require.Error(t, err, "%q", text)
	}
}

func TestMessages(t *testing.T) {
	form := regexp.MustCompile(`^CMUC[0-9]{5}[IWE]$`)
	seen := map[string]bool{}
	for _, m := range Messages() {
		require.Regexp(t, form, m.ID)
		require.False(t, seen[m.ID], "%s means one thing", m.ID)
		seen[m.ID] = true
		require.Equal(t, m.Source == Ours, strings.HasPrefix(m.ID, "CMUC9"), "%s: numbers of our own, and no others, begin at CMUC90000", m.ID)
		require.Equal(t, strings.HasSuffix(m.ID, "W"), strings.HasSuffix(m.Text, "[y/n]:"), "%s: W is a question", m.ID)
	}
}

func TestCompletion(t *testing.T) {
	b := newBench(t)
	b.must("mkarray -arsite S1")
	s := NewSession(b.options)
	complete := func(text string) (all []string) {
		for _, c := range Complete(s, text) {
			all = append(all, c.Text)
		}
		return all
	}
	require.Equal(t, language.Names(), complete(""))
	require.Equal(t, []string{"lskeymgr", "lskeygrp"}, complete("lsk"))
	require.Equal(t, []string{"-array"}, complete("mkrank -a"))
	require.Equal(t, []string{"A0"}, complete("mkrank -array "))
	require.Equal(t, []string{"testaccess"}, complete("managekeygrp -action te"))
	require.Equal(t, []string{"S1", "S2"}, complete("lsarraysite S"))
	require.Equal(t, []string{"default", "xml", "delim", "stanza"}, complete("lsarray -fmt "))
	require.NotContains(t, complete("lsarray -fmt xml "), "-fmt", "what is given is not offered again")
	require.Empty(t, complete("nothing "))
	b.lab = nil
	require.Empty(t, complete("mkrank -array "), "without a facility there are no values")
}
