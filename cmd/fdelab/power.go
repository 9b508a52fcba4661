package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/serve/control"
)

func newPowerCmd(a *app) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "power",
		Short: "take the power of drives that fdelab serve serves, and give it back",
		Long: "power is the switch of drives behind a socket. Without --drive it is for all of them. A drive that\n" +
			"loses its power forgets every session; a range that locks at a loss of power is locked when it\n" +
			"comes back.",
		Example: "  fdelab power cycle drives.sock",
	})
	c.AddCommand(
		newControlCmd(a, "off", control.PowerOff, "take the power"),
		newControlCmd(a, "on", control.PowerOn, "give the power back"),
		newControlCmd(a, "cycle", control.PowerCycle, "take the power and give it back"))
	return c
}

func newResetCmd(a *app) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "reset",
		Short: "reset drives that fdelab serve serves, with their power on",
		Long: "reset ends every session of drives behind a socket. A range whose LockOnReset names the reset is\n" +
			"locked. Without --drive it is for all of them.",
		Example: "  fdelab reset warm drives.sock --drive 0",
	})
	c.AddCommand(
		newControlCmd(a, "warm", control.ResetWarm, "reset as by the interface (TCG: hardware reset)"),
		newControlCmd(a, "hot", control.ResetHot, "reset as by pulling and plugging in (TCG: hot plug)"))
	return c
}

func newControlCmd(a *app, use string, action control.Action, short string) *cobra.Command {
	var n int
	c := &cobra.Command{
		Use:   use + " SOCKET",
		Short: short,
		Args:  between(1, 1, "the socket that fdelab serve listens at"),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("drive") && n < 0 {
				return usagef("%s: drive %d: numbers begin with 0", action, n)
			}
			path := controlOf(args[0])
			hand, err := control.Dial(path)
			if err != nil {
				return cannotf("%s: %w", action, plainSocketError(path, err)).withHint("fdelab serve FILE --socket %s serves a drive there", args[0])
			}
			defer hand.Close()
			drives, err := hand.Do(action, n)
			var refused *control.RefusedError
			switch {
			case errors.As(err, &refused) && refused.Usage:
				return usagef("%s: %s: %w", action, args[0], err)
			case errors.As(err, &refused):
				return failedf("%s: %s: %w", action, args[0], err)
			case err != nil:
				return cannotf("%s: %s: %w", action, path, err)
			}
			if a.json {
				return a.printJSON(drives)
			}
			for _, d := range drives {
				a.printf("drive %d, %s: power %s, %s, %s\n", d.N, d.Serial, word(d.Powered, "on", "off"), d.State, word(d.Locked, "locked", "not locked"))
			}
			return nil
		},
	}
	c.Flags().IntVar(&n, "drive", -1, "number of the drive, from 0 (default all)")
	return c
}

func word(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}
