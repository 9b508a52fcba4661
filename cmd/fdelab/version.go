package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version and commit are stamped by the linker (-X main.version=v1.2.3) in what make dist builds.
// They go before what Go records. A commit ends in "-dirty" where the source had changes.
var version, commit string

// versionInfo is what `fdelab version` tells of the build.
type versionInfo struct {
	Module   string `json:"module"`
	Version  string `json:"version"`            // of the release or the commit, or "(devel)"
	Revision string `json:"revision,omitempty"` // of the source, where the build recorded it
	Modified bool   `json:"modified"`           // the source had changes beside that revision
	Go       string `json:"go"`
}

func readVersion() versionInfo {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		b = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return versionOf(version, commit, b)
}

// versionOf prefers what was stamped to what Go recorded.
func versionOf(version, commit string, b *debug.BuildInfo) versionInfo {
	v := versionInfo{
		Module:  cmp.Or(b.Main.Path, "github.com/seed-9d983aeb/fdelab"),
		Version: cmp.Or(version, b.Main.Version, "(devel)"),
		Go:      b.GoVersion,
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	if commit != "" {
		v.Revision, v.Modified = strings.CutSuffix(commit, "-dirty")
	}
	return v
}

// releaseVersion is the version alone, without the brackets of one that was never released.
func (v versionInfo) releaseVersion() string { return strings.Trim(v.Version, "()") }

// commit is the revision in words.
func (v versionInfo) commit() string {
	switch {
	case v.Revision == "":
		return "not recorded"
	case v.Modified:
		return v.Revision + ", with changes"
	}
	return v.Revision
}

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version of fdelab, its commit, its module and that of Go",
		Args:  between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if a.json {
				return a.printJSON(v)
			}
			a.printf("fdelab %s\ncommit %s\nmodule %s\ngo     %s\n", v.releaseVersion(), v.commit(), v.Module, v.Go)
			return nil
		},
	}
}
