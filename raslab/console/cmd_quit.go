package console

var quitCommands = []*Command{
	{
		Name: "quit", Alone: true, Summary: "leave",
		Example: "quit",
		Run:     quit,
	},
	{
		Name: "exit", Alone: true, Summary: "leave, as quit does",
		Example: "exit",
		Run:     quit,
	},
}

func quit(*Session, Args) error { return ErrQuit }
