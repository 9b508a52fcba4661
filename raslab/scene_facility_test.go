package raslab

import (
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// The facility: its arrays and ranks, its power, its tables, its growth.
var facilityScenes = []scene{
	{name: "arrays and ranks", options: Options{Drives: 40}, bare: true, play: sceneArraysAndRanks},
	{name: "a rank that is not created", bare: true, play: sceneARankThatIsNotCreated},
	{name: "a rank that is removed with faults", play: sceneARankThatIsRemovedWithFaults},
	{name: "work that is owed", play: sceneWorkThatIsOwed},
	{name: "power", play: scenePower},
	{name: "power goes during a repair", play: scenePowerGoesDuringARepair},
	{name: "power goes in the middle of actions", play: scenePowerGoesInTheMiddleOfActions},
	{name: "upgrades", options: Options{Drives: 24}, play: sceneUpgrades},
	{name: "a facility that is delivered badly", options: Options{Plain: []string{"R1-I1-D02"}, NoCertificate: true}, bare: true, play: sceneAFacilityThatIsDeliveredBadly},
	{name: "the table of drives", play: sceneTheTableOfDrives},
	{name: "a rank without encryption", bare: true, play: sceneARankWithoutEncryption},
}

func sceneArraysAndRanks(s *drama) {
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
	for _, site := range []string{"S5", "s1", " S2 ", "S3", "S4", "S0", "S6", "X"} {
		s.act("array create %s", site)(s.CreateArray(site, RAIDAuto))
	}
	s.act("rank create A1 group 1")(s.CreateRank("A1", 1))
	s.act("keygrp configure 1")(s.ConfigureGroup(1))
	s.act("rank create A1 group 1")(s.CreateRank("A1", 1))
	s.act("rank create A0 group 0")(s.CreateRank("A0", 0))
	s.act("rank create A2 group 1")(s.CreateRank("a2", 1))
	s.act("array remove A0")(s.RemoveArray("A0"))
	s.act("array remove A3")(s.RemoveArray("A3"))
	s.act("array remove A3")(s.RemoveArray("A3"))
	s.act("array create S3 7+P")(s.CreateArray("S3", RAID7P))
	s.act("array create S3 6+P+S")(s.CreateArray("S4", RAID6PS))
	s.does(s.Break("R1-I1-D03"), "drive break D03")
	s.act("rank remove R0")(s.RemoveRank("R0"))
	s.act("array remove A1")(s.RemoveArray("A1"))
	s.act("array create S1")(s.CreateArray("S1", RAIDAuto))
	s.writes("R1", 1, 300)
	s.reads("R1", 1, 300)
	s.writes("R7", 1, 1)
	s.act("rank remove R1")(s.RemoveRank("R1"))
	s.act("rank create A0 group 0")(s.CreateRank("A0", 0))
	s.act("rank remove R2")(s.RemoveRank("r2"))
}

func sceneARankThatIsNotCreated(s *drama) {
	s.act("keygrp configure 1")(s.ConfigureGroup(1))
	s.act("array create S1")(s.CreateArray("S1", RAID6PS))
	arm(s.t, s.Lab, "R1-I1-D04", "(flash.program.refused)")
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
	s.does(s.Disarm("R1-I1-D04"), "fault disarm D04")
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
	s.repairs("R1-I1-D04", "")
	s.closes()
	arm(s.t, s.Lab, "R1-I1-D05", stubborn)
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
	s.closes()
	s.does(s.Disarm("R1-I1-D05"), "fault disarm D05")
	s.repairs("R1-I1-D05", "")
	s.closes()
	s.does(s.CutPower("R1-I1-D06"), "power cut D06")
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
	s.act("rank create A0 group 0")(s.CreateRank("A0", 0))
	s.does(s.RestorePower("R1-I1-D06"), "power restore D06")
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
}

func sceneARankThatIsRemovedWithFaults(s *drama) {
	s.does(s.Break("R1-I1-D01"), "drive break D01")
	s.does(s.Pull("R1-I1-D02"), "drive pull D02")
	arm(s.t, s.Lab, "R1-I1-D03", stubborn)
	s.does(s.CutPower("R1-I1-D04"), "power cut D04")
	s.act("rank remove R0")(s.RemoveRank("R0"))
	s.closes()
	s.act("array create S1")(s.CreateArray("S1", RAIDAuto))
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
	s.waits(time.Hour)
	s.does(s.RestorePower("R1-I1-D04"), "power restore D04")
	s.repairs("R1-I1-D04", "")
	s.act("drive insert D02")(s.Insert("R1-I1-D02", "75NR641-0002"))
	s.closes()
	s.act("rank remove R0")(s.RemoveRank("R0"))
}

func sceneWorkThatIsOwed(s *drama) {
	s.does(s.ArmRepository(fault.MustParse("(repository.write.refused)")), "fault arm repository")
	s.act("rank remove R0")(s.RemoveRank("R0"))
	s.printf("owed to R0 %q, to group 1 %q, to group 2 %q", s.owed.OwedToRank("R0"), s.OwedToGroup(1), s.OwedToGroup(2))
	s.act("rank remove R0")(s.RemoveRank("R0"))
	_, err := s.plant.Rank("R0")
	s.does(err, "rank R0 for a host")
	s.act("array remove A0")(s.RemoveArray("A0"))
	s.act("rank create A0 group 0")(s.CreateRank("A0", 0))
	for _, r := range s.plant.Ranks() {
		s.printf("rank %+v", r)
	}
	for _, a := range s.plant.Arrays() {
		s.printf("array %+v", a)
	}
	s.act("drive erase D02")(s.EraseDrive("R1-I1-D02"))
	s.does(s.Pull("R1-I1-D03"), "drive pull D03")
	s.waits(time.Hour)
	s.does(s.ArmRepository(nil), "fault disarm repository")
	s.act("iml")(s.DualClusterIML())
	s.waits(time.Hour)
	s.act("rank remove R0")(s.RemoveRank("R0"))
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
}

func scenePower(s *drama) {
	s.act("power restore")(s.RestoreFacilityPower())
	s.does(s.CutPower("R1-I1-D02"), "power cut D02")
	s.writes("R0", 2, 40)
	s.does(s.RestorePower("R1-I1-D02"), "power restore D02")
	s.does(s.RestorePower("R9"), "power restore R9")
	s.act("iml")(s.DualClusterIML())
	s.does(s.Break("R1-I1-D03"), "drive break D03")
	s.act("power cycle")(s.PowerCycle())
	s.reads("R0", 2, 40)
	s.waits(time.Hour)
	s.does(s.CutFacilityPower(), "power cut")
	s.does(s.CutFacilityPower(), "power cut")
	for _, p := range s.Partitions() {
		s.printf("partition %d %s", p.ID, p.State)
	}
	s.does(s.RestorePower("R1-I1-D02"), "power restore D02")
	s.act("power cycle")(s.PowerCycle())
	s.act("repair start D01")(s.StartRepair("R1-I1-D01"))
	s.check()
	s.does(s.Pull("R1-I1-D12"), "drive pull D12")
	s.act("drive insert D12")(s.Insert("R1-I1-D12", "75NR641-0012"))
	s.waits(time.Hour)
	s.act("power restore")(s.RestoreFacilityPower())
	s.reads("R0", 2, 40)
	s.does(s.CutPower("R1-I1-D01"), "power cut D01")
	s.does(s.CutPower("R1-I1-D02"), "power cut D02")
	s.reads("R0", 2, 40)
	s.waits(time.Hour)
	s.does(s.RestorePower("R1-I1-D01"), "power restore D01")
	s.does(s.RestorePower("R1-I1-D02"), "power restore D02")
	s.waits(time.Hour)
	s.act("iml")(s.DualClusterIML())
	s.reads("R0", 2, 40)
	s.closes()
}

func scenePowerGoesDuringARepair(s *drama) {
	s.act("repair start D02")(s.StartRepair("R1-I1-D02"))
	s.act("repair exchange D02")(s.ExchangeFRU("R1-I1-D02", s.spare()))
	s.does(s.CutFacilityPower(), "power cut")
	s.act("repair resume D02")(s.ResumeRepair("R1-I1-D02"))
	s.act("power restore")(s.RestoreFacilityPower())
	s.act("repair resume D02")(s.ResumeRepair("R1-I1-D02"))
	s.does(s.CutFacilityPower(), "power cut")
	s.act("power restore")(s.RestoreFacilityPower())
	s.waits(time.Hour)
	s.act("smart rebuild D03")(s.SmartRebuild("R1-I1-D03"))
	s.does(s.CutFacilityPower(), "power cut")
	s.act("power restore")(s.RestoreFacilityPower())
	s.act("smart rebuild D04")(s.SmartRebuild("R1-I1-D04"))
	s.waits(time.Hour)
	s.reads("R0", 1, 40)
}

func scenePowerGoesInTheMiddleOfActions(s *drama) {
	cut := func(k string, act func()) {
		s.does(s.ArmFacility(fault.MustParse("(sfi.power.cut (OnIndex "+k+"))")), "fault arm power, operation %s", k)
		act()
		s.does(s.ArmFacility(nil), "fault disarm power")
		s.act("power restore")(s.RestoreFacilityPower())
	}
	cut("9", func() { s.writes("R0", 2, 40) })
	s.reads("R0", 2, 6)
	cut("60", func() { s.act("rank remove R0")(s.RemoveRank("R0")) })
	s.waits(time.Hour)
	cut("50", func() { s.act("rank create A0 group 1")(s.CreateRank("A0", 1)) })
	cut("40", func() { s.act("mes install")(s.InstallMES(MESRequest{})) })
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
	s.act("repair start D03")(s.StartRepair("R1-I1-D03"))
	s.act("repair exchange D03")(s.ExchangeFRU("R1-I1-D03", ""))
	cut("12", func() { s.act("repair resume D03")(s.ResumeRepair("R1-I1-D03")) })
	cut("30", func() { s.act("repair cancel D03")(s.CancelRepair("R1-I1-D03")) })
	cut("20", func() { s.check() })
}

func sceneUpgrades(s *drama) {
	a, b, c := s.spare(), s.configured(), s.part(PartConfig{SectorSize: 512, Sectors: 10}).Serial()
	plain, _ := s.OrderPlainSpare()
	s.act("mes install 17")(s.InstallMES(MESRequest{Serials: make([]string, 17)}))
	s.act("mes install drives 9")(s.InstallMES(MESRequest{DrivesOnly: true, Serials: make([]string, 9)}))
	s.act("mes install twice")(s.InstallMES(MESRequest{Serials: []string{a, "", a}}))
	s.act("mes install unknown")(s.InstallMES(MESRequest{Serials: []string{"X"}}))
	s.act("mes install drives")(s.InstallMES(MESRequest{DrivesOnly: true, Serials: []string{a, " ", b, c}, AllowErase: true}))
	s.act("mes install drives")(s.InstallMES(MESRequest{DrivesOnly: true}))
	used := s.part(s.Lab.part())
	bench(s.t, used)
	stuck := s.part(s.Lab.part())
	armPart(s.t, stuck, "(port.power.refused)")
	s.act("mes install")(s.InstallMES(MESRequest{Serials: []string{plain.Serial(), used.Serial(), stuck.Serial()}}))
	s.closes()
	s.act("array create S4")(s.CreateArray("S4", RAIDAuto))
	s.act("array create S6")(s.CreateArray("S6", RAIDAuto))
	s.act("field install")(s.FieldInstall())
	s.LoseCertificate()
	s.act("mes install")(s.InstallMES(MESRequest{}))
	s.act("drive erase D09")(s.EraseDrive("R1-I1-D09"))
	s.repairs("R1-I1-D02", "")
	s.closes()
	s.does(s.DefaultCertificate(), "certificate default")
	s.closes()
	s.waits(time.Hour)
}

func sceneAFacilityThatIsDeliveredBadly(s *drama) {
	s.act("field install")(s.FieldInstall())
	s.act("keygrp configure 1")(s.ConfigureGroup(1))
	s.act("array create S1")(s.CreateArray("S1", RAIDAuto))
	s.closes()
	s.does(s.DefaultCertificate(), "certificate default")
	s.does(s.Break("R1-I1-D03"), "drive break D03")
	s.act("field install")(s.FieldInstall())
	s.closes()
	s.act("array create S1")(s.CreateArray("S1", RAIDAuto))
	s.act("array create S2")(s.CreateArray("S2", RAIDAuto))
	s.act("drive erase D02")(s.EraseDrive("R1-I1-D02"))
	s.scan()
	s.repairs("R1-I1-D02", s.spare())
	s.act("field install")(s.FieldInstall())
	s.closes()
}

func sceneTheTableOfDrives(s *drama) {
	s.does(s.ArmMemory(2, nil), "fault arm memory 2")
	s.does(s.ArmMemory(0, fault.MustParse("(flash.erase.refused)")), "fault arm memory 0")
	for _, b := range []string{"0", "3", "31"} {
		s.does(s.ArmMemory(0, fault.MustParse("(memory.table.flipped (Byte "+b+"))")), "fault arm memory 0, byte %s", b)
		s.act("drive erase D09")(s.EraseDrive("R1-I1-D09"))
		s.closes()
		s.does(s.ArmMemory(0, nil), "fault disarm memory 0")
		s.closes()
	}
	s.act("repair start D02")(s.StartRepair("R1-I1-D02"))
	s.does(s.ArmMemory(0, fault.MustParse("(memory.table.flipped (Byte 2))")), "fault arm memory 0")
	s.act("repair exchange D02")(s.ExchangeFRU("R1-I1-D02", ""))
	s.waits(time.Hour)
	s.does(s.ArmMemory(0, nil), "fault disarm memory 0")
	s.act("repair exchange D02")(s.ExchangeFRU("R1-I1-D02", ""))
	s.act("repair resume D02")(s.ResumeRepair("R1-I1-D02"))
	s.waits(time.Hour)
	s.closes()
}

func sceneARankWithoutEncryption(s *drama) {
	s.act("array create S1")(s.CreateArray("S1", RAID6PS))
	s.act("rank create A0 group 0")(s.CreateRank("A0", 0))
	s.writes("R0", 1, 40)
	s.does(s.Pull("R1-I1-D02"), "drive pull D02")
	s.writes("R0", 2, 40)
	s.act("drive insert D02")(s.Insert("R1-I1-D02", "75NR641-0002"))
	s.repairs("R1-I1-D02", "")
	s.waits(time.Hour)
	s.does(s.CutPower("R1-I1-D03"), "power cut D03")
	s.writes("R0", 3, 40)
	s.does(s.RestorePower("R1-I1-D03"), "power restore D03")
	s.waits(time.Hour)
	s.act("smart rebuild D04")(s.SmartRebuild("R1-I1-D04"))
	s.waits(time.Hour)
	s.repairs("R1-I1-D05", s.spare())
	s.waits(time.Hour)
	s.does(s.Break("R1-I1-D06"), "drive break D06")
	s.waits(time.Hour)
	s.reads("R0", 3, 40)
	s.act("power cycle")(s.PowerCycle())
	s.act("rank remove R0")(s.RemoveRank("R0"))
	s.scan()
}
