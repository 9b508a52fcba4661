package console

import (
	"errors"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

var dscliCommands = []*Command{
	{
		Name: "dscli", Summary: "run a command of the storage administrator's command line, DSCLI",
		Detail: `Quote a command that holds quotes, semicolons or an equals sign. dscli "help" lists its commands.`,
		Params: []Param{
			{Name: "user", Kind: textKind, Values: dscli.Users(), Default: dscli.Users()[0], Help: "who gives the command: a storage administrator or a security administrator"},
			{Name: "answer", Kind: textKind, Values: []string{"y", "n"}, Help: "the answer to its questions; without one they are answered with no"},
			{Name: "command", Kind: textKind, Bare: true, Rest: true, Required: true, Help: "the command as DSCLI takes it", Complete: dscliNames},
		},
		Example: "dscli managekeygrp -action testaccess 1 answer=y",
		Run:     runDSCLI,
	},
}

func runDSCLI(s *Session, a Args) error {
	d := dscli.NewSession(dscli.Options{
		Lab: func() *raslab.Lab { return s.lab }, ReadFile: s.readFile,
		User: arg[string](a, "user"), Width: func() int { return s.options.Width },
		Ask: func(prompt string) (string, error) {
			answer := arg[string](a, "answer")
			s.printf("%s\n", strings.TrimRight(prompt+answer, " "))
			if answer == "" {
				answer = "n"
			}
			return answer, nil
		},
	})
	err := d.Run(arg[string](a, "command"), s.out, s.out)
	var failed *dscli.Error // its message is printed already
	switch {
	case errors.Is(err, dscli.ErrQuit):
		return nil
	case errors.As(err, &failed):
		return &FailedError{"dscli"}
	}
	return err
}

func dscliNames(*Session) []string {
	var names []string
	for _, c := range dscli.Commands() {
		names = append(names, c.Name)
	}
	return names
}
