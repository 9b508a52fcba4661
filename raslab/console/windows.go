package console

import "fmt"

// windows says what a verb stands for at a real machine: the window, panel or utility of
// MAP4980 with its button, or the command of the DS CLI.
var windows = map[string]string{
	"event list":         "Manage Serviceable Events",
	"event show":         "Manage Serviceable Events, the text of one event",
	"event close":        "Manage Serviceable Events, where an event is closed by hand",
	"sfi show":           "Manage Storage Facility Image (SFI) Resources: the valid state, and encryptionGroupsStates",
	"sfi quiesce":        "the panel with the valid state, button Quiesce SFI",
	"sfi shutdown":       "the panel with the valid state, button Shutdown SFI",
	"sfi resume":         "the panel with the valid state, button Resume SFI",
	"keymgr list":        "DS Storage Manager, Key Managers; DS CLI, lskeymgr and showkeymgr",
	"keygrp list":        "DS CLI, lskeygrp; for service, Manage SFI Resources, encryptionGroupsStates",
	"keygrp show":        "DS CLI, showkeygrp; DS Storage Manager, Settings, Security, Encryption",
	"keygrp testaccess":  "Key Server Utilities, Test Key Retrieval; DS CLI, managekeygrp -action testaccess; with keymgr, the test of a chosen key server in the Storage Management GUI",
	"keygrp access":      "Test Key Retrieval status; DS CLI, showkeygrp -access",
	"certificate show":   "DS Storage Manager, Settings, Security, Encryption; DS CLI, showkeygrp, field certificateexpiry",
	"certificate import": "DS CLI, managekeygrp -action importcert",
	"repair start":       "the drive repair",
	"repair exchange":    "the drive repair, option Exchange FRU",
	"repair resume":      "the drive repair, the drive resume operation",
	"repair pseudo":      "the drive repair, option Exchange FRU, gone through without unseating and reseating the drive",
	"raid exchange":      "issraid exchange, the smart rebuild of RAS",
	"mes install":        "the storage enclosure and drive Install MES",
	"discontinue scan":   "the SF Discontinue utility",
	"health check":       "the hourly health check of RAS",
}

// stamped gives each command its window.
func stamped(commands []*Command) []*Command {
	left := len(windows)
	for _, c := range commands {
		if w, ok := windows[c.Name()]; ok {
			c.Window, left = w, left-1
		}
	}
	if left != 0 {
		panic(fmt.Sprintf("BUG: console: %d windows of verbs that do not exist", left))
	}
	return commands
}
