package dscli_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

// A script and the answers to its questions come from one reader, as from a pipe.
func Example() {
	lab, err := raslab.New(raslab.Options{Drives: 16, Seed: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	script := dscli.NewLines(strings.NewReader(`mkkeygrp 1
mkarray -arsite S1
mkrank -array A0 -keygrp 1
lsrank -l
rmrank R0
y
lsrank R0
`))
	s := dscli.NewSession(dscli.Options{
		Lab:    func() *raslab.Lab { return lab },
		Ask:    script.Answers(os.Stdout),
		Output: dscli.Settings{Banner: "off"},
	})
	err = s.Script(script, os.Stdout, os.Stdout)
	fmt.Println("exit code", err.(*dscli.Error).Exit)
	// Output:
	// CMUC90006I mkkeygrp: Key group 1 is configured.
	// CMUC00004I mkarray: Array A0 successfully created.
	// CMUC00007I mkrank: Rank R0 successfully created.
	// ID Group State  datastate Array RAIDtype extpoolID stgtype keygrp
	// =================================================================
	// R0     0 Normal Normal    A0           5 P2        fb      1
	// CMUC90002W rmrank: Remove rank R0 with its data? [y/n]: y
	// CMUC90002I rmrank: Rank R0 is removed.
	// CMUC90060E lsrank: line 7: there is no rank R0.
	// exit code 6
}
