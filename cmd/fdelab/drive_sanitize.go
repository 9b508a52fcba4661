package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// The actions of drive sanitize, by the names that nvme-cli has for them, and one more.
const (
	actBlock    = "start-block-erase"
	actOver     = "start-overwrite"
	actCrypto   = "start-crypto-erase"
	actExit     = "exit-failure"
	actContinue = "continue"
)

var sanitizeActions = []string{actCrypto, actBlock, actOver, actExit, actContinue}

var sanitizeStarts = map[string]drive.SanitizeAction{actBlock: drive.BlockErase, actOver: drive.Overwrite, actCrypto: drive.CryptoErase}

func newDriveSanitizeCmd(a *app) *cobra.Command {
	var o drive.SanitizeOrder
	var action string
	var yes bool
	c := &cobra.Command{
		Use:   "sanitize FILE",
		Short: "give all data up by a sanitize operation, go on with one, or leave one that failed",
		Long: "sanitize begins a sanitize operation and works until it is done: every range gets a new media key,\n" +
			"and then the medium is deallocated, or overwritten by " + actOver + ". No authority is needed, so it\n" +
			"takes a drive of which no range is locked, or will be after a loss of power.\n\n" +
			actContinue + " goes on with an operation that a host of fdelab serve began. " + actExit + " makes a drive\n" +
			"usable whose operation failed, if it was an unrestricted one; what is left of the data is left.\n" +
			"After one that was not, only another operation helps.\n\n" +
			"It asks for the serial number first; --yes answers that.",
		Example: "  fdelab drive sanitize a.drive --action start-crypto-erase",
		Args:    between(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(sanitizeActions, action) {
				return usagef("drive sanitize: --action %q: use one of %s", action, strings.Join(sanitizeActions, ", "))
			}
			o.Action = sanitizeStarts[action]
			if o.Action != drive.Overwrite {
				o.Passes = 0
			} else if o.Passes < 1 || o.Passes > 16 {
				return usagef("drive sanitize: --passes %d: need 1 to 16", o.Passes)
			}
			return a.withDrive("drive sanitize", args[0], func(d *driveFile) error { return a.sanitize(d, action, o, yes) })
		},
	}
	c.Flags().StringVar(&action, "action", "", "what to do: "+strings.Join(sanitizeActions, ", "))
	c.Flags().BoolVar(&o.Unrestricted, "ause", false, "an unrestricted operation: if it fails, "+actExit+" ends it")
	c.Flags().Uint8Var(&o.Passes, "passes", 1, "of "+actOver+", 1 to 16")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask for the serial number")
	return c
}

func (a *app) sanitize(d *driveFile, action string, o drive.SanitizeOrder, yes bool) error {
	const what = "drive sanitize"
	switch action {
	case actExit:
		s, err := d.SanitizeStatus()
		if err != nil {
			return err
		}
		if err := d.ExitSanitizeFailure(); err != nil {
			return err
		}
		if s.State != drive.UnrestrictedFailure {
			return a.did(d, "there is no failure to leave")
		}
		return a.did(d, "failure mode is left; not all data may be gone")
	case actContinue:
		s, err := d.SanitizeStatus()
		if err != nil {
			return err
		}
		if s.State == drive.SanitizeIdle {
			return a.did(d, "no sanitize operation is under way")
		}
	default:
		if err := a.confirm(what, yes, d.Serial(), "gives up all data of "+d.path+": type its serial number, "+d.Serial()); err != nil {
			return err
		}
		if err := d.Sanitize(o); err != nil {
			return err
		}
	}
	const sectorsAtATime = 1 << 14
	for more := true; more; {
		var err error
		if more, err = d.SanitizeStep(sectorsAtATime); err != nil {
			return err
		}
	}
	s, err := d.SanitizeStatus()
	if err != nil {
		return err
	}
	if s.State != drive.SanitizeIdle {
		return failedf("%s: %s: %s", what, d.path, sanitizeWords(&s)).withHint(afterFailure)
	}
	return a.did(d, "sanitized by %s", actionWords[s.Order.Action])
}

var actionWords = map[drive.SanitizeAction]string{drive.BlockErase: "block erase", drive.Overwrite: "overwrite", drive.CryptoErase: "crypto erase"}

// What to do about a drive whose data do not move.
const (
	afterFailure = "fdelab drive sanitize begins another operation; after an unrestricted one --action " + actExit + " leaves the failure, too"
	afterBreak   = "fdelab drive sanitize --action " + actContinue + " finishes the operation"
)

// sanitizeWords says how a sanitize operation stands.
func sanitizeWords(s *drive.SanitizeStatus) string {
	by := actionWords[s.Order.Action]
	switch {
	case s.State == drive.RestrictedFailure || s.State == drive.UnrestrictedFailure:
		return fmt.Sprintf("%v: the %s failed in %v", s.State, by, s.Failed)
	case s.State != drive.SanitizeIdle && s.Of > 0:
		return fmt.Sprintf("%v: %s, %d %% done", s.State, by, s.Done*100/s.Of)
	case s.State != drive.SanitizeIdle:
		return fmt.Sprintf("%v: %s", s.State, by)
	case s.Failed != drive.SanitizeIdle:
		return fmt.Sprintf("the last %s failed, and its failure was left", by)
	case s.Clean:
		return fmt.Sprintf("%s, and nothing was written since", by)
	}
	return by
}

// sanitizeInfo is what `fdelab drive info` says of the last sanitize operation.
type sanitizeInfo struct {
	State    string `json:"state"`            // as NVMe has it
	Failed   string `json:"failed,omitempty"` // the state in which it failed
	Action   string `json:"action"`
	Clean    bool   `json:"clean"`    // nothing was written since
	Done     uint64 `json:"done"`     // sectors
	Of       uint64 `json:"of"`       // sectors, of all passes
	Sentence string `json:"sentence"` // in words
}

// sanitizeInfoOf is nil where there was no operation.
func sanitizeInfoOf(d *driveFile) (*sanitizeInfo, error) {
	s, err := d.SanitizeStatus()
	if errors.Is(err, drive.Degraded) || err == nil && !s.Ever {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	i := &sanitizeInfo{
		State: s.State.String(), Action: actionWords[s.Order.Action], Clean: s.Clean, Done: s.Done, Of: s.Of, Sentence: sanitizeWords(&s),
	}
	if s.Failed != drive.SanitizeIdle {
		i.Failed = s.Failed.String()
	}
	return i, nil
}
