package console

var helpCommands = []*Command{
	{
		Name: "help", Alone: true, Summary: "explain the commands: all, those of a noun, or one",
		Params: []Param{{
			Name: "topic", Kind: textKind, Bare: true, Rest: true, Help: "a noun, or a noun and a verb",
			Complete: nounNames,
		}},
		Example: "help rank create",
		Run:     runHelp,
	},
}

func runHelp(s *Session, a Args) error { return s.writeHelp(arg[string](a, "topic")) }

func nounNames(*Session) []string { return Nouns() }
