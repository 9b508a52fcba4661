package dscli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// Program is what the words behind the name of the program say: options, then a
// command or none.
type Program struct {
	Consoles []int // of -hmc1 and -hmc2; nil if none is given
	User     string
	Zone     *time.Location // nil if none is given
	Script   string         // file; "" if none
	Setup    string         // file with commands of the laboratory that build the facility; "" if none
	Commands string         // the same commands themselves, separated by semicolons; "" if none
	Seed     string         // of a facility that no setup builds
	Lab      string         // directory of a lab that is kept; "" for a new facility
	Connect  string         // the link of fdelab web, or the file that holds it; "" for a facility of this process
	KMIP     RealServers
	Output   Settings
	Image    string // the storage image that commands mean; "" is the facility
	Help     bool
	Command  []string // the words of a command; nil if none
}

// RealServers are the files and the timeout, as they were given, for key servers that are not part
// of the laboratory.
type RealServers struct{ Dir, CA, Certificate, Key, Timeout string }

var consoleKind = Kind{Name: "console", Help: "HMC1 or HMC2", Parse: func(_, s string) (any, error) {
	if n, ok := numberOf(s, "HMC"); ok && (n == 1 || n == 2) {
		return n, nil
	}
	return nil, fmt.Errorf("HMC1 or HMC2 is right")
}}

// program is the program itself as a command, so that its options are read as parameters are.
var program = &Command{Name: "dscli", Example: "dscli lsrank", Params: append([]Param{
	{Name: "hmc1", Kind: consoleKind, Help: "the management console to go through"},
	{Name: "hmc2", Kind: consoleKind, Help: "the one to go through if the first cannot be used"},
	{Name: "user", Kind: wordKind, Help: "admin (a storage administrator) or secadmin (a security administrator)"},
	{Name: "script", Kind: wordKind, Help: "run the commands of a file, up to the first that goes wrong"},
	{Name: "setup", Kind: wordKind, Help: "build the facility with the laboratory's commands in a file"},
	{Name: "setup-command", Kind: wordKind, Help: "build it with these, separated by semicolons"},
	{Name: "seed", Kind: wordKind, Help: "of a facility that no setup builds"},
	{Name: "lab", Kind: wordKind, Help: "a lab that is kept, in place of a new facility; fdelab lab create makes one"},
	{Name: "connect", Kind: wordKind, Help: "the laboratory of fdelab web: the link that it printed, or the file of its --ready-file"},
	{Name: "kmip-certs", Kind: wordKind, Help: "dial key managers beyond the simulated network for real; a directory made by keyserver init"},
	{Name: "kmip-ca", Kind: wordKind, Help: "the authority of real key servers, a file in PEM; in place of ca.crt of -kmip-certs"},
	{Name: "kmip-cert", Kind: wordKind, Help: "the certificate that the facility shows to them; in place of facility.crt"},
	{Name: "kmip-key", Kind: wordKind, Help: "its private key; in place of facility.key"},
	{Name: "kmip-timeout", Kind: wordKind, Help: "how long to wait for them, as 5s"},
	{Name: "tz", Kind: wordKind, Help: "the time zone of all times, as America/Phoenix; UTC if it is not given"},
	{Name: "help", Flag: true, Help: "explain the program"},
}, commonParams...), Alone: true}

// ParseProgram reads the words behind the name of the program. Options begin with one dash
// or two and come before the command.
func ParseProgram(words []string) (Program, error) {
	var p Program
	n := 0
	for n < len(words) && strings.HasPrefix(words[n], "-") && len(words[n]) > 1 {
		name := strings.TrimPrefix(words[n][1:], "-")
		switch name {
		case "h": // it would be the beginning of several
			return Program{Help: true}, nil
		case "json":
			return p, fmt.Errorf("there is no --json here; -fmt xml or -fmt delim is for programs")
		}
		param, err := parameter(program, name)
		if err != nil {
			return p, err
		}
		if n++; !param.Flag {
			n++
		}
	}
	n = min(n, len(words))
	var options []word
	for _, w := range words[:n] {
		if strings.HasPrefix(w, "--") {
			w = w[1:]
		}
		options = append(options, word{text: w})
	}
	a, err := bind(program, "", "", options)
	if err != nil {
		return p, err
	}
	p = Program{
		User: arg[string](a, "user"), Script: arg[string](a, "script"), Setup: arg[string](a, "setup"), Commands: arg[string](a, "setup-command"),
		Seed: arg[string](a, "seed"), Lab: arg[string](a, "lab"), Connect: arg[string](a, "connect"),
		KMIP: RealServers{
			Dir: arg[string](a, "kmip-certs"), CA: arg[string](a, "kmip-ca"), Certificate: arg[string](a, "kmip-cert"),
			Key: arg[string](a, "kmip-key"), Timeout: arg[string](a, "kmip-timeout"),
		}, Image: arg[string](a, "dev"), Help: arg[bool](a, "help"), Command: slices.Clone(words[n:]),
		Output: Settings{Format: arg[string](a, "fmt"), Delimiter: arg[string](a, "delim"), Header: arg[string](a, "hdr"), Banner: arg[string](a, "bnr"), Paging: arg[string](a, "p")},
	}
	for _, name := range []string{"hmc1", "hmc2"} {
		if a.Has(name) {
			p.Consoles = append(p.Consoles, arg[int](a, name))
		}
	}
	if zone := arg[string](a, "tz"); zone != "" {
		if p.Zone, err = time.LoadLocation(zone); err != nil {
			return p, fmt.Errorf("%q is not a time zone; use a name such as UTC or America/Phoenix for -tz", zone)
		}
	}
	switch {
	case p.Setup != "" && p.Commands != "":
		return p, fmt.Errorf("-setup and -setup-command are given; leave one out")
	case p.Script != "" && len(p.Command) > 0:
		return p, fmt.Errorf("-script and the command %q are given; leave one out", p.Command[0])
	case p.Lab != "" && (p.Setup != "" || p.Commands != "" || p.Seed != "" || p.KMIP != RealServers{}):
		return p, fmt.Errorf("-lab is a facility that is there, with its own seed and key servers; leave -setup, -setup-command, -seed and -kmip options out")
	case p.Seed != "" && (p.Setup != "" || p.Commands != ""):
		return p, fmt.Errorf("-seed has no meaning with a setup; write lab new seed=%s there", p.Seed)
	}
	return p, nil
}

// ProgramOptions is what the options of the program are, for its help, at most width columns wide.
func ProgramOptions(width int) string {
	var b strings.Builder
	if err := language.Describe(command.Page{Out: &b, Table: width}, language.Params(program)); err != nil {
		panic("BUG: dscli: " + err.Error()) // a strings.Builder takes everything
	}
	return b.String()
}
