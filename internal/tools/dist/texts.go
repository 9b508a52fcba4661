package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// makeTexts returns the files that are the same for each platform, by their names below the folder.
// The command says what they hold, so it is built for this machine first.
func makeTexts(src source) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "fdelab-dist")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	fdelab := filepath.Join(dir, "fdelab.exe")
	if err := compile(src, host, fdelab); err != nil {
		return nil, err
	}
	license, err := os.ReadFile(filepath.Join(src.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	texts := map[string][]byte{"share/doc/fdelab/LICENSE": license}
	for shell, name := range map[string]string{
		"bash": "share/bash-completion/completions/fdelab",
		"zsh":  "share/zsh/site-functions/_fdelab",
		"fish": "share/fish/vendor_completions.d/fdelab.fish",
	} {
		if texts[name], err = command(dir, nil, fdelab, "completion", shell); err != nil {
			return nil, err
		}
	}
	b, err := command(dir, nil, fdelab, "help", "--json")
	if err != nil {
		return nil, err
	}
	var help commandHelp
	if err := json.Unmarshal(b, &help); err != nil {
		return nil, fmt.Errorf("fdelab help --json: %w", err)
	}
	return texts, manPages(help.command(), src, texts)
}

// manPages adds the page of c and those of the commands below it.
func manPages(c *cobra.Command, src source, texts map[string][]byte) error {
	var page bytes.Buffer
	header := &doc.GenManHeader{Section: "1", Date: &src.date, Source: "fdelab " + src.version, Manual: "fdelab"}
	c.DisableAutoGenTag = true
	if err := doc.GenMan(c, header, &page); err != nil {
		return err
	}
	name := c.Name()
	for p := c.Parent(); p != nil; p = p.Parent() {
		name = p.Name() + "-" + name
	}
	texts["share/man/man1/"+name+".1"] = page.Bytes()
	for _, below := range c.Commands() {
		if !below.IsAvailableCommand() { // cobra's own help
			continue
		}
		if err := manPages(below, src, texts); err != nil {
			return err
		}
	}
	return nil
}

// commandHelp is what `fdelab help --json` says of a command.
type commandHelp struct {
	Use, Short, Long, Example string
	Flags, Inherits           []flagHelp
	Commands                  []commandHelp
}

type flagHelp struct{ Name, Shorthand, Type, Usage, Default, Without string }

// command makes a command of its help again. It does nothing.
func (h commandHelp) command() *cobra.Command {
	c := &cobra.Command{Use: h.Use, Short: h.Short, Long: h.Long, Example: h.Example, Run: func(*cobra.Command, []string) {}}
	for _, f := range h.Flags {
		c.Flags().AddFlag(f.flag())
	}
	for _, f := range h.Inherits {
		c.PersistentFlags().AddFlag(f.flag())
	}
	for _, below := range h.Commands {
		c.AddCommand(below.command())
	}
	return c
}

func (h flagHelp) flag() *pflag.Flag {
	return &pflag.Flag{
		Name: h.Name, Shorthand: h.Shorthand, Usage: h.Usage, DefValue: h.Default, NoOptDefVal: h.Without,
		Value: shown{h.Default, h.Type},
	}
}

// shown is the value of a flag that is only shown.
type shown struct{ value, kind string }

func (s shown) String() string   { return s.value }
func (s shown) Type() string     { return s.kind }
func (s shown) Set(string) error { return nil }
