package command_test

import (
	"fmt"
	"os"

	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// lamps is what the commands of this language run in.
type lamps struct{ on map[string]bool }

// light is the handler of a command.
func light(l *lamps, a command.Args[*lamps]) error {
	l.on[command.Get[string](a, "lamp")] = true
	return nil
}

func Example() {
	l := command.Language[*lamps]{
		Form:  func(p *command.Param[*lamps]) string { return "-" + p.Name + " " + p.Kind.Name },
		Label: func(p *command.Param[*lamps]) string { return "-" + p.Name },
		Topics: []command.Topic[*lamps]{{Title: "Lamps", Commands: []*command.Command[*lamps]{
			{
				Name: "light", Summary: "turn a lamp on", Example: "light -lamp hall", Run: light,
				Params: []command.Param[*lamps]{{Name: "lamp", Kind: command.Text("any lamp"), Required: true, Help: "which"}},
			},
		}}},
	}
	c := l.Match("li", 2)[0]
	b := l.Start(c, "")
	_, err := b.Done()
	fmt.Println(err)
	if err := b.Set(&c.Params[0], "hall", 0); err != nil {
		panic(err)
	}
	a, err := b.Done()
	if err != nil {
		panic(err)
	}
	house := &lamps{map[string]bool{}}
	fmt.Println(c.Run(house, a), house.on)
	_ = l.Explain(command.Page{Out: os.Stdout, Text: 80}, c)
	// Output:
	// lamp: missing
	// <nil> map[hall:true]
	// light -lamp text
	// turn a lamp on
	//   -lamp  which; any lamp (required)
	// example: light -lamp hall
}
