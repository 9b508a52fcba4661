package dscli

var quitCommands = []*Command{
	{Name: "quit", Summary: "leave", Alone: true, Example: "quit", Run: quit},
	{Name: "exit", Summary: "leave, as quit does", Alone: true, Example: "exit", Run: quit},
}

func quit(*call, Args) error { return ErrQuit }
