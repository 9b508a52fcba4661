package encgroup

import _ "bad.example/drive"

const Exported = 1

const (
	Spoken = 2 // has a comment
)

type Public struct{}

func (Public) Method() {}

func (Public) String() string { return "customary" }

func Function() {}

func private() { _ = private }
