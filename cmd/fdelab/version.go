package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// versionInfo is what `fdelab version` tells of the build.
type versionInfo struct {
	Module   string `json:"module"`
	Version  string `json:"version"`            // of the module, or "(devel)"
	Revision string `json:"revision,omitempty"` // of the source, where the build recorded it
	Modified bool   `json:"modified"`           // the source had changes beside that revision
	Go       string `json:"go"`
}

func readVersion() versionInfo {
	v := versionInfo{Module: "github.com/seed-9d983aeb/fdelab", Version: "(devel)", Go: runtime.Version()}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Module, v.Go = b.Main.Path, b.GoVersion
	if b.Main.Version != "" {
		v.Version = b.Main.Version
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// releaseVersion is the version alone, without the brackets of one that was never released.
func releaseVersion() string { return strings.Trim(readVersion().Version, "()") }

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version of fdelab, of Go and of the module",
		Args:  between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if a.json {
				return a.printJSON(v)
			}
			a.printf("fdelab %s\nmodule %s\ngo     %s\n", v.Version, v.Module, v.Go)
			return nil
		},
	}
}
