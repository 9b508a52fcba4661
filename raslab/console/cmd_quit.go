package console

var quitCommands = []*Command{
	{
		Name: "quit", Summary: "leave",
		Example: "quit",
		Run:     quit,
	},
	{
		Name: "exit", Summary: "leave, as quit does",
		Example: "exit",
		Run:     quit,
	},
}

func quit(*Session, Args) error { return ErrQuit }
