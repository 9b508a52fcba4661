package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/proptest/adapters"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// conformance is what `fdelab conform` was asked for.
type conformFlags struct {
	program  string
	psid     pinSource
	only     []string
	seed     string
	seeds    int
	deadline time.Duration
	kill     bool
	list     bool
	replay   string
	junit    string

	transport string // a device, judged by its security interface
	disk      string // where its sectors are
	drive     int
	yes       bool
}

// seedsMax is how many seeds one run takes at most.
const seedsMax = 100_000

func newConformCmd(a *app) *cobra.Command {
	var f conformFlags
	c := &cobra.Command{
		Use:   "conform [simulated | FILE | --transport DEVICE | -- PROGRAM ARGUMENTS]",
		Short: "judge a drive by what went wrong in real ones",
		Long: "conform judges a drive by one property for each thing that went wrong in real drives. The drive is\n" +
			"  simulated    the one of this project\n" +
			"  FILE         a drive file, with its PSID: copies of it are judged, never the file itself\n" +
			"  -- PROGRAM   a program that speaks the protocol of docs/adapter.md, with its arguments\n\n" +
			"A property passes, fails, or is not judged, with the reason and what the drive would need. A\n" +
			"failure comes with the shortest run of commands that leads to it, and a line that replays it.\n" +
			"A program that does not answer in time, or dies, fails the property, and is started again.\n\n" +
			"--transport judges a device by its security interface: what fdelab serve serves, a drive in a file,\n" +
			"nvme://ADDRESS:PORT, or a real one such as /dev/nvme0. It holds the device to the rows of TCG's list\n" +
			"of test cases (UCT, SPF, ETC), and to the properties. It reverts the device again and again with its\n" +
			"PSID, so that all data on it is gone. What takes sectors, power or resets is judged where the way to\n" +
			"the device has them; --disk names where the sectors are.\n\n" +
			"The exit code is 1 if a property failed, or if none was judged.",
		Example: "  fdelab conform\n  fdelab conform --only F12,F20 --seeds 10\n  fdelab conform a.drive --psid-file a.drive.label\n  fdelab conform --junit report.xml -- python3 drive.py\n" +
			"  fdelab conform --transport drives.sock --psid-file a.drive.label --yes",
		RunE: func(c *cobra.Command, args []string) error {
			return a.conform(c, f, args)
		},
	}
	c.Flags().StringVar(&f.program, "program", "", "the program and its arguments in one text; quotes hold words together, no shell reads it")
	f.psid.flags(c, "psid", "the PSID of the drive in FILE, or its label")
	c.Flags().StringSliceVar(&f.only, "only", nil, "only these properties (default all)")
	c.Flags().StringVar(&f.seed, "seed", "1", "the first seed: each draws another drive, as far as the drive can be another one")
	c.Flags().IntVar(&f.seeds, "seeds", 3, "how many seeds")
	c.Flags().DurationVar(&f.deadline, "deadline", 10*time.Second, "how long a program may take for one request (if left out, 30s for the first greeting)")
	c.Flags().BoolVar(&f.kill, "kill", false, "take power from a program by killing it")
	c.Flags().BoolVar(&f.list, "list", false, "list the properties")
	c.Flags().StringVar(&f.replay, "replay", "", "run this script alone, as a failure shows it")
	c.Flags().StringVar(&f.junit, "junit", "", "also write the verdicts to this file, as JUnit XML; only a report is overwritten")
	c.Flags().StringVar(&f.transport, "transport", "", "judge this device by its security interface: a socket, a drive file, or a drive of this machine")
	c.Flags().StringVar(&f.disk, "disk", "", "with --transport: where the sectors are, of a socket or a drive of this machine: nvme://ADDRESS:PORT, or a block device")
	c.Flags().IntVar(&f.drive, "drive", 0, "with --transport: number of the drive behind a socket, from 0")
	c.Flags().BoolVar(&f.yes, "yes", false, "with --transport: do not ask before the data is given up")
	ids := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, p := range conformance.Properties() {
			names = append(names, p.ID+"\t"+p.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	if err := c.RegisterFlagCompletionFunc("only", ids); err != nil {
		panic("BUG: " + err.Error())
	}
	return c
}

func (a *app) conform(c *cobra.Command, f conformFlags, args []string) error {
	if f.transport != "" {
		return a.conformTransport(c, f, args)
	}
	if f.yes || f.drive != 0 || f.disk != "" {
		return usagef("conform: --yes, --drive and --disk are for --transport")
	}
	if f.deadline <= 0 {
		return usagef("conform: --deadline %v: want a time above zero", f.deadline)
	}
	seeds, err := f.allSeeds()
	if err != nil {
		return err
	}
	o := conformance.Options{Only: f.only, Seeds: seeds}
	if err := knownProperties(f.only); err != nil {
		return err
	}
	if f.list {
		return a.listProperties(f.only)
	}
	if err := replaceable(f.junit); err != nil {
		return err
	}
	t, err := conformTarget(c, f, args)
	if err != nil {
		return err
	}
	if err := t.open(a, f); err != nil {
		return err
	}
	// An interrupt leaves no program behind, and no copy of a drive with its keys.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	judged := make(chan error, 1)
	go func() { judged <- a.judge(t, f, o) }()
	select {
	case err = <-judged:
	case <-ctx.Done():
		return errors.Join(failedf("conform: interrupted: nothing is judged"), t.close())
	}
	if p, ok := t.closer.(*adapters.Program); ok {
		if lines, last := p.Noise(); lines > 0 {
			a.note("the program wrote %d lines on standard error; the last one: %s", lines, last)
		}
	}
	return errors.Join(err, t.close())
}

// allSeeds reads --seed and --seeds.
func (f *conformFlags) allSeeds() (all []uint64, err error) {
	first, err := console.ParseSeed(f.seed)
	if err != nil {
		return nil, usagef("conform: --seed %q: %w", f.seed, err)
	}
	if f.seeds < 1 || f.seeds > seedsMax {
		return nil, usagef("conform: --seeds %d: want 1 to %d", f.seeds, seedsMax)
	}
	if last := first + uint64(f.seeds) - 1; last < first {
		return nil, usagef("conform: --seed %d and --seeds %d: the last seed would be above 18446744073709551615, want a smaller one", first, f.seeds)
	}
	for i := range uint64(f.seeds) {
		all = append(all, first+i)
	}
	return all, nil
}

func knownProperties(only []string) error {
	for _, id := range only {
		if !slices.ContainsFunc(conformance.Properties(), func(p *conformance.Property) bool { return strings.EqualFold(p.ID, id) }) {
			return usagef("conform: no property %q", id).withHint("fdelab conform --list lists the properties")
		}
	}
	return nil
}

// target is the drive that is judged.
type target struct {
	words  []string // what names it on the command line
	file   string
	run    []string // a program
	maker  conformance.Maker
	closer io.Closer // may be nil
	timed  bool      // --deadline was given
	made   int       // devices
}

// conformTarget reads which drive is meant.
func conformTarget(c *cobra.Command, f conformFlags, args []string) (*target, error) {
	dash := c.ArgsLenAtDash()
	if dash < 0 {
		dash = len(args)
	}
	before, program := args[:dash], args[dash:]
	named := len(before)
	if len(program) > 0 {
		named++
	}
	if f.program != "" {
		named++
		words, err := splitQuoted(f.program)
		if err != nil {
			return nil, usagef("conform: --program: %w", err)
		}
		program = words
	}
	t := &target{run: program}
	switch {
	case named > 1 && len(before) > 1:
		return nil, usagef("conform: %q is too much", before[1]).withHint("a program and its arguments stand behind --")
	case named > 1:
		return nil, usagef("conform: only one drive is judged at a time: name a file or a program")
	case len(program) > 0:
		if f.kill {
			t.words = append(t.words, "--kill")
		}
		if c.Flags().Changed("deadline") {
			t.words, t.timed = append(t.words, "--deadline", f.deadline.String()), true
		}
		t.words = append(append(t.words, "--"), program...)
	case len(before) == 1 && before[0] != "simulated":
		t.file = before[0]
		t.words = []string{t.file}
		for _, x := range [][2]string{{"--psid-file", f.psid.file}, {"--psid-env", f.psid.env}} {
			if x[1] != "" {
				t.words = append(t.words, x[0], x[1])
			}
		}
	}
	if t.file == "" && f.psid.named() {
		return nil, usagef("conform: --psid-file and --psid-env are for a drive file")
	}
	if len(t.run) == 0 && (f.kill || c.Flags().Changed("deadline")) {
		return nil, usagef("conform: --kill and --deadline are for a program")
	}
	return t, nil
}

func (t *target) open(a *app, f conformFlags) error {
	maker := conformance.Maker(conformance.Simulated)
	switch {
	case len(t.run) > 0:
		o := adapters.Options{Command: t.run, Kill: f.kill}
		if t.timed {
			o.Deadline = f.deadline
		}
		p, err := adapters.Start(o)
		if errors.Is(err, exec.ErrNotFound) {
			return usagef("conform: %w", err)
		} else if err != nil {
			return cannotf("conform: %w", err).withHint("docs/adapter.md describes the protocol")
		}
		maker, t.closer = p.Make, p
	case t.file != "":
		if _, err := os.Stat(t.file); err != nil {
			return cannotf("conform: %w", err).withHint("a program and its arguments stand behind --")
		}
		psid, err := f.psid.read(a, "PSID of "+t.file)
		if err != nil {
			return err
		}
		d, err := conformance.NewDriveFile(t.file, psid)
		if err != nil {
			return cannotf("conform: %w", err)
		}
		maker, t.closer = d.Make, d
	}
	t.maker = maker
	return nil
}

func (t *target) close() error {
	if t.closer == nil {
		return nil
	}
	if err := t.closer.Close(); err != nil {
		return cannotf("conform: %w", err)
	}
	return nil
}

// line is the command that replays a script on the same drive.
func (t *target) line(script string) string {
	words := []string{"fdelab", "conform", "--replay", quoted(script)}
	for _, w := range t.words {
		words = append(words, quoted(w))
	}
	return strings.Join(words, " ")
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:,@%+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// splitQuoted splits a text into words at blanks. Quotes of both kinds hold a word together, and a
// backslash outside single quotes takes the next character as it is. Nothing else means anything.
func splitQuoted(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	in, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			in, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			in, quote = true, r
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				words = append(words, word.String())
			}
			word.Reset()
			in = false
		default:
			in = true
			word.WriteRune(r)
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("%s ends within a quotation", strconv.Quote(text))
	}
	if in {
		words = append(words, word.String())
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("no program is named")
	}
	return words, nil
}
