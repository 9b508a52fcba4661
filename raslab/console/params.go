package console

import (
	"github.com/seed-9d983aeb/fdelab/drive"
)

func bandParam(fallback string) Param {
	return Param{Name: "band", Kind: numberKind(0, drive.MaxRanges), Default: fallback, Help: "the band; 0 is the global one"}
}

func yesParam(name, help string) Param {
	return Param{Name: name, Kind: textKind, Values: yesNo, Default: "no", Help: help}
}

func serialParam(help string, required bool) Param {
	return Param{Name: "serial", Kind: driveKind("the serial number of a drive on the shelf"), Required: required, Help: help, Complete: serials}
}

func pinParam(name, fallback, help string) Param {
	return Param{Name: name, Kind: textKind, Required: fallback == "", Default: fallback, Secret: true, Help: help + "; msid for the factory PIN, or a phrase (its SHA-256 is the PIN, 32 bytes)"}
}

func hmcParam(required bool) Param {
	p := Param{Name: "hmc", Kind: numberKind(1, 2), Required: required, Help: "the management console, 1 or 2"}
	if !required {
		p.Help += "; without it, both"
	}
	return p
}

var partitionParam = Param{Name: "partition", Kind: numberKind(0, 1), Help: "the partition, 0 or 1; without it, both"}

func toParam(help string, values ...string) Param {
	return Param{Name: "to", Kind: textKind, Values: values, Required: true, Help: help}
}

func optionalPlan() Param {
	return Param{Name: "plan", Kind: planKind, Help: "the fault plan; without it, what is armed is disarmed"}
}

func fileParam(help string) Param {
	return Param{Name: "file", Kind: textKind, Required: true, Help: help}
}

func slotParam(help string) Param {
	return Param{Name: "drive", Kind: nameKind("slot", "a slot such as R1-I1-D05"), Required: true, Help: help, Complete: slots}
}

func anyDriveParam(help string) Param {
	return Param{Name: "drive", Kind: driveKind("a slot such as R1-I1-D05, or a serial number"), Required: true, Help: help, Complete: anyDrives}
}

func rankParam() Param {
	return Param{Name: "rank", Kind: nameKind("rank", "a rank such as R0"), Required: true, Help: "the rank", Complete: rankNames}
}

func arrayParam() Param {
	return Param{Name: "array", Kind: nameKind("array", "an array such as A0"), Required: true, Help: "the array", Complete: arrayNames}
}

func keygrpParam(required bool, fallback string) Param {
	help, least := "the encryption group", 1
	if fallback == "0" {
		help, least = "the encryption group; 0 makes an unencrypted rank", 0
	}
	return Param{Name: "keygrp", Kind: numberKind(least, 4), Required: required, Default: fallback, Help: help}
}

func slots(s *Session) []string {
	var names []string
	if s.lab != nil {
		for _, d := range s.lab.Drives() {
			names = append(names, d.Slot)
		}
	}
	return names
}

func serials(s *Session) []string {
	var names []string
	for _, p := range s.shelf.Parts() {
		names = append(names, s.shelf.Name(p))
	}
	return names
}

func anyDrives(s *Session) []string { return append(slots(s), serials(s)...) }

func rankNames(s *Session) []string {
	var names []string
	if s.lab != nil {
		for _, r := range s.lab.Ranks() {
			names = append(names, r.ID)
		}
	}
	return names
}

func arrayNames(s *Session) []string {
	var names []string
	if s.lab != nil {
		for _, a := range s.lab.Arrays() {
			names = append(names, a.ID)
		}
	}
	return names
}
