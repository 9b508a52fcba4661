package raslab

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// everything asks for each action of the plant and of service.
func (s *drama) everything() {
	s.act("array create")(s.CreateArray("S2", RAIDAuto))
	s.act("array remove")(s.RemoveArray("A0"))
	s.act("rank create")(s.CreateRank("A0", 1))
	s.act("rank remove")(s.RemoveRank("R0"))
	s.act("drive erase")(s.EraseDrive("R1-I1-D09"))
	s.act("drive revert")(s.RevertDrive("R1-I1-D09"))
	s.act("smart rebuild")(s.SmartRebuild("R1-I1-D02"))
	s.act("repair start")(s.StartRepair("R1-I1-D02"))
	s.act("repair exchange")(s.ExchangeFRU("R1-I1-D02", ""))
	s.act("repair cancel")(s.CancelRepair("R1-I1-D02"))
	s.act("repair resume")(s.ResumeRepair("R1-I1-D02"))
	s.act("mes install")(s.InstallMES(MESRequest{}))
	s.act("field install")(s.FieldInstall())
	s.scan()
}

// Refusals, records that cannot be kept, and members that do not open any more.
var refusalScenes = []scene{
	{name: "nothing runs beside a repair", play: sceneNothingRunsBesideARepair},
	{name: "names that nobody has", options: Options{Serial: "ACME2", SectorSize: 4096}, play: sceneNamesThatNobodyHas},
	{name: "the record of a group cannot be kept", play: sceneTheRecordOfAGroupCannotBeKept},
	{name: "a spare that does not join", options: Options{Drives: 32}, play: sceneASpareThatDoesNotJoin},
	{name: "a member that does not open any more", play: sceneAMemberThatDoesNotOpenAnyMore},
	{name: "members of an unencrypted rank come back", bare: true, play: sceneMembersOfAnUnencryptedRankComeBack},
	{name: "two bad sectors in a row", bare: true, play: sceneTwoBadSectorsInARow},
	{name: "access comes back by itself", play: sceneAccessComesBackByItself},
	{name: "the key repository is mended", play: sceneTheKeyRepositoryIsMended},
}

func sceneNothingRunsBesideARepair(s *drama) {
	s.act("repair start D03")(s.StartRepair("R1-I1-D03"))
	s.everything()
	s.act("power cycle")(s.PowerCycle())
	s.act("iml")(s.DualClusterIML())
	s.does(s.CutFacilityPower(), "power cut")
	s.everything()
	s.act("power restore")(s.RestoreFacilityPower())
	s.act("repair cancel D03")(s.CancelRepair("R1-I1-D03"))
	s.act("quiesce")(s.Quiesce())
	s.everything()
	s.act("resume")(s.Resume())
	s.waits(time.Hour)
}

func sceneNamesThatNobodyHas(s *drama) {
	s.printf("unit %s %s", s.MachineType(), s.UnitSerial())
	const no = "R1-I1-D17"
	s.act("drive erase")(s.EraseDrive(no))
	s.act("smart rebuild")(s.SmartRebuild(no))
	s.act("repair exchange")(s.ExchangeFRU(no, ""))
	s.act("drive insert")(s.Insert(no, "X"))
	s.does(s.Arm(no, nil), "fault arm")
	s.does(s.Arm("R1-I1-D09", fault.MustParse("(link.command.lost)")), "fault arm of another thing")
	s.does(s.Arm("R1-I1-D09", fault.MustParse("(port.command.lost (OnIndex 1000))")), "fault arm")
	s.does(s.Disarm(no), "fault disarm")
	s.does(s.CutPower(no), "power cut")
	_, err := s.plant.Drive(no)
	s.does(err, "drive show")
	_, _, err = s.CertificateAt(no)
	s.does(err, "certificate")
	_, err = s.plant.RankByName("R3")
	s.does(err, "rank show")
	d, err := s.plant.Drive(" u5791.s10.0001-p1-d4 ")
	s.does(err, "drive show by its location: %s", d.Slot)
	s.RemoveLicence()
	s.act("rank create")(s.CreateRank("A0", 1))
	s.act("array create")(s.CreateArray("S2", RAIDAuto))
	s.act("rank create")(s.CreateRank("A1", 1))
	s.act("rank create")(s.CreateRank("A1", 0))
	degrade(s.t, s.Lab, "R1-I1-D02")
	s.waits(time.Hour)
}

func sceneTheRecordOfAGroupCannotBeKept(s *drama) {
	const full = "(repository.write.refused)"
	s.does(s.ArmRepository(fault.MustParse(full)), "fault arm repository")
	s.act("smart rebuild D02")(s.SmartRebuild("R1-I1-D02"))
	s.repairs("R1-I1-D02", s.spare())
	s.does(s.Break("R1-I1-D03"), "drive break D03")
	s.waits(time.Hour)
	s.does(s.ArmRepository(nil), "fault disarm repository")
	s.act("iml")(s.DualClusterIML())
	s.waits(2 * time.Hour)
	s.repairs("R1-I1-D02", "")
	s.waits(2 * time.Hour)
	s.repairs("R1-I1-D03", s.spare())
	s.waits(2 * time.Hour)
	s.closes()
	s.reads("R0", 1, 40)
}

func sceneASpareThatDoesNotJoin(s *drama) {
	s.act("array create S2")(s.CreateArray("S2", RAIDAuto))
	arm(s.t, s.Lab, "R1-I1-D08", "(flash.program.refused)")
	s.does(s.Break("R1-I1-D02"), "drive break D02")
	s.waits(2 * time.Hour)
	arm(s.t, s.Lab, "R1-I2-D01", "(port.command.lost)")
	s.act("drive erase R1-I2-D01")(s.EraseDrive("R1-I2-D01"))
	s.repairs("R1-I2-D01", "")
	arm(s.t, s.Lab, "R1-I2-D02", "(port.command.dead)")
	s.check()
	s.reads("R0", 1, 40)
	s.repairs("R1-I1-D02", s.spare())
	s.waits(time.Hour)
	s.does(s.Disarm("R1-I1-D08"), "fault disarm D08")
	s.repairs("R1-I1-D08", "")
	s.waits(time.Hour)
	s.closes()
}

func sceneAMemberThatDoesNotOpenAnyMore(s *drama) {
	steal := func(slot string) {
		session, err := drivePart(s.t, s.Lab, slot).Drive.Authenticate(drive.BandMaster(0), credential(s.t, s.Lab, slot))
		require.NoError(s.t, err)
		pin, err := drive.NewPIN([]byte("now it is mine"))
		require.NoError(s.t, err)
		require.NoError(s.t, session.SetPIN(pin))
		session.Close()
	}
	steal("R1-I1-D02")
	s.writes("R0", 1, 40)
	s.check()
	s.repairs("R1-I1-D02", "")
	s.waits(time.Hour)
	s.closes()
	s.act("drive erase D02")(s.EraseDrive("R1-I1-D02"))
	s.act("drive revert D02")(s.RevertDrive("R1-I1-D02"))
	s.does(s.Break("R1-I1-D03"), "drive break D03")
	s.waits(time.Hour)
	steal("R1-I1-D04")
	s.check()
	s.repairs("R1-I1-D04", "")
	s.closes()
	s.reads("R0", 1, 40)
	s.repairs("R1-I1-D02", "")
	s.waits(time.Hour)
}

func sceneMembersOfAnUnencryptedRankComeBack(s *drama) {
	s.act("array create S1")(s.CreateArray("S1", RAID7P))
	arm(s.t, s.Lab, "R1-I1-D02", "(flash.program.refused)")
	s.act("rank create A0 group 0")(s.CreateRank("A0", 0))
	s.does(s.Disarm("R1-I1-D02"), "fault disarm D02")
	s.act("rank create A0 group 0")(s.CreateRank("A0", 0))
	s.writes("R0", 1, 40)
	s.does(s.CutPower("R1-I1-D02"), "power cut D02")
	s.writes("R0", 2, 40)
	s.repairs("R1-I1-D02", "")
	s.writes("R0", 3, 20)
	s.waits(10 * time.Minute)
	s.does(s.Pull("R1-I1-D03"), "drive pull D03")
	s.writes("R0", 4, 40)
	s.act("repair start D03")(s.StartRepair("R1-I1-D03"))
	s.act("repair exchange D03")(s.ExchangeFRU("R1-I1-D03", s.spare()))
	s.act("repair resume D03")(s.ResumeRepair("R1-I1-D03"))
	s.writes("R0", 5, 40)
	s.waits(10 * time.Minute)
	s.does(s.Break("R1-I1-D04"), "drive break D04")
	s.reads("R0", 5, 40)
	s.act("repair start D05")(s.StartRepair("R1-I1-D05"))
	s.act("smart rebuild D05")(s.SmartRebuild("R1-I1-D05"))
	s.reads("R0", 5, 0)
	s.reads("R0", 5, 1<<20)
	s.act("rank remove R0")(s.RemoveRank("R0"))
}

func sceneTwoBadSectorsInARow(s *drama) {
	s.act("array create S1")(s.CreateArray("S1", RAID7P))
	s.act("keygrp configure 1")(s.ConfigureGroup(1))
	s.act("rank create A0 group 1")(s.CreateRank("A0", 1))
	s.writes("R0", 1, 21)
	arm(s.t, s.Lab, "R1-I1-D02", "(media.read.error (LBA 1))")
	arm(s.t, s.Lab, "R1-I1-D03", "(media.read.error (LBA 1)) (media.write.error (LBA 3))")
	arm(s.t, s.Lab, "R1-I1-D04", "(media.write.error (LBA 3))")
	s.reads("R0", 1, 21)
	s.writes("R0", 2, 28)
	s.reads("R0", 2, 7)
	s.waits(time.Hour)
	s.act("repair start D05")(s.StartRepair("R1-I1-D05"))
	s.does(s.Disarm("R1-I1-D03"), "fault disarm D03")
	s.does(s.Disarm("R1-I1-D04"), "fault disarm D04")
	s.writes("R0", 3, 28)
	s.reads("R0", 3, 28)
	s.waits(time.Hour)
}

func sceneAccessComesBackByItself(s *drama) {
	s.does(s.customer.Stop(1), "key server 1 stops")
	s.does(s.customer.Stop(2), "key server 2 stops")
	s.act("power cycle")(s.PowerCycle())
	s.reads("R0", 1, 40)
	s.waits(time.Hour)
	s.does(s.customer.Start(2), "key server 2 starts")
	s.waits(time.Hour)
	s.reads("R0", 1, 40)
	s.does(s.customer.Stop(2), "key server 2 stops")
	s.act("iml")(s.DualClusterIML())
	s.act("repair start D02")(s.StartRepair("R1-I1-D02"))
	s.does(s.customer.Start(1), "key server 1 starts")
	s.waits(time.Hour)
	s.act("repair cancel D02")(s.CancelRepair("R1-I1-D02"))
	s.act("iml")(s.DualClusterIML())
	s.waits(time.Hour)
	s.closes()
	s.reads("R0", 1, 40)
}

func sceneTheKeyRepositoryIsMended(s *drama) {
	s.does(s.DamageRepository(1), "repository damage 1")
	s.act("iml")(s.DualClusterIML())
	for c := 1; c <= len(s.records.copies); c++ {
		s.does(s.DamageRepository(c), "repository damage %d", c)
	}
	s.act("iml")(s.DualClusterIML())
	s.reads("R0", 1, 40)
	s.act("rank remove R0")(s.RemoveRank("R0"))
	s.act("repository restore")(s.RestoreRepository())
	s.act("iml")(s.DualClusterIML())
	s.reads("R0", 1, 40)
	s.closes()
}
