package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionIsWhatWasStampedThenWhatGoRecorded(t *testing.T) {
	recorded := &debug.BuildInfo{
		GoVersion: "go1.99", Main: debug.Module{Path: "example.org/fdelab", Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123abcd"}, {Key: "vcs.modified", Value: "true"}},
	}
	v := versionOf("", "", recorded)
	require.Equal(t, versionInfo{"example.org/fdelab", "v1.2.3", "0123abcd", true, "go1.99"}, v)
	require.Equal(t, "0123abcd, with changes", v.commit())
	v.Modified = false
	require.Equal(t, "0123abcd", v.commit())
	require.Equal(t, "v9.9.9", versionOf("v9.9.9", "", recorded).releaseVersion(), "a stamp goes first")
	v = versionOf("", "4567cdef", recorded)
	require.Equal(t, "4567cdef", v.commit(), "so does that of the commit")
	v = versionOf("", "4567cdef-dirty", recorded)
	require.Equal(t, "4567cdef, with changes", v.commit())

	bare := versionOf("", "", &debug.BuildInfo{GoVersion: "go1.99"})
	require.Equal(t, "devel", bare.releaseVersion(), "a build without history")
	require.Equal(t, "not recorded", bare.commit())
}
