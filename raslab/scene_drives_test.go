package raslab

import (
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Drives that break, are exchanged, erased, added and copied.
var driveScenes = []scene{
	{name: "repair with a new drive", play: sceneRepairWithANewDrive},
	{name: "repair without an exchange", play: sceneRepairWithoutAnExchange},
	{name: "a member dies and a spare takes over", play: sceneAMemberDiesAndASpareTakesOver},
	{name: "the spare dies during the copy back", play: sceneTheSpareDiesDuringTheCopyBack},
	{name: "repair without the key", play: sceneRepairWithoutTheKey},
	{name: "replacements that do not join", play: sceneReplacementsThatDoNotJoin},
	{name: "erase by hand", play: sceneEraseByHand},
	{name: "drives are inserted", play: sceneDrivesAreInserted},
	{name: "smart rebuild", play: sceneSmartRebuild},
	{name: "smart rebuilds that meet a fault", options: Options{Drives: 32}, play: sceneSmartRebuildsThatMeetAFault},
	{name: "media errors", play: sceneMediaErrors},
}

func sceneRepairWithANewDrive(s *drama) {
	s.act("repair resume D05")(s.ResumeRepair("R1-I1-D05"))
	s.act("repair start D99")(s.StartRepair("R1-I1-D99"))
	s.act("repair start D05")(s.StartRepair("r1-i1-d05"))
	s.act("repair start D06")(s.StartRepair("R1-I1-D06"))
	s.act("repair exchange D06")(s.ExchangeFRU("R1-I1-D06", ""))
	s.act("iml")(s.DualClusterIML())
	s.act("repair resume D05")(s.ResumeRepair("R1-I1-D05"))
	s.act("repair exchange D05 X")(s.ExchangeFRU("R1-I1-D05", "X"))
	part := s.spare()
	s.act("repair exchange D05 X")(s.ExchangeFRU("R1-I1-D05", "X"))
	s.act("repair exchange D05")(s.ExchangeFRU("R1-I1-D05", part))
	s.act("drive insert D05")(s.Insert("R1-I1-D05", "75NR641-0005"))
	s.act("repair cancel D05")(s.CancelRepair("R1-I1-D05"))
	s.waits(time.Hour)
	s.act("repair resume D05")(s.ResumeRepair("R1-I1-D05"))
	s.act("repair start D05")(s.StartRepair("R1-I1-D05"))
	s.act("drive erase D05")(s.EraseDrive("R1-I1-D05"))
	s.waits(time.Hour)
	s.reads("R0", 1, 40)
}

func sceneRepairWithoutAnExchange(s *drama) {
	for _, slot := range []string{"R1-I1-D05", "R1-I1-D08", "R1-I1-D09"} { // member, spare, drive of no array
		s.act("repair start %s", slot)(s.StartRepair(slot))
		s.act("repair cancel %s", slot)(s.CancelRepair(slot))
		s.act("repair start %s", slot)(s.StartRepair(slot))
		s.act("repair exchange %s", slot)(s.ExchangeFRU(slot, ""))
		s.act("repair cancel %s", slot)(s.CancelRepair(slot))
		s.waits(10 * time.Minute)
		s.repairs(slot, "")
		s.waits(10 * time.Minute)
	}
	s.act("repair start D03")(s.StartRepair("R1-I1-D03"))
	s.writes("R0", 2, 40)
	s.does(s.Pull("R1-I1-D03"), "drive pull D03")
	s.act("repair exchange D03")(s.ExchangeFRU("R1-I1-D03", ""))
	s.act("repair cancel D03")(s.CancelRepair("R1-I1-D03"))
	s.waits(time.Hour)
	s.reads("R0", 2, 40)
}

func sceneAMemberDiesAndASpareTakesOver(s *drama) {
	s.does(s.Break("R1-I1-D03"), "drive break D03")
	s.check()
	s.waits(time.Minute)
	s.printf("failures %+v", s.DriveFailures())
	s.act("repair start D08")(s.StartRepair("R1-I1-D08"))
	s.act("repair start D03")(s.StartRepair("R1-I1-D03"))
	s.waits(time.Hour)
	s.printf("failures %+v", s.DriveFailures())
	s.act("repair start D03")(s.StartRepair("R1-I1-D03"))
	s.act("repair cancel D03")(s.CancelRepair("R1-I1-D03"))
	s.repairs("R1-I1-D03", "")
	s.repairs("R1-I1-D03", s.spare())
	s.waits(5 * time.Minute)
	s.act("repair start D08")(s.StartRepair("R1-I1-D08"))
	s.waits(time.Hour)
	s.reads("R0", 1, 40)
}

func sceneTheSpareDiesDuringTheCopyBack(s *drama) {
	s.does(s.Break("R1-I1-D03"), "drive break D03")
	s.waits(90 * time.Minute)
	s.repairs("R1-I1-D03", s.spare())
	s.does(s.Break("R1-I1-D08"), "drive break D08")
	s.waits(time.Hour)
	s.reads("R0", 1, 40)
	s.does(s.Break("R1-I1-D03"), "drive break D03")
	s.waits(time.Hour)
	s.printf("failures %+v", s.DriveFailures())
	s.act("repair start D01")(s.StartRepair("R1-I1-D01"))
	s.act("smart rebuild D01")(s.SmartRebuild("R1-I1-D01"))
	s.act("drive erase D01")(s.EraseDrive("R1-I1-D01"))
	s.reads("R0", 1, 40)
	s.writes("R0", 2, 40)
	s.reads("R0", 2, 40)
	s.does(s.Pull("R1-I1-D01"), "drive pull D01")
	s.writes("R0", 3, 40)
	s.waits(time.Hour)
	s.act("drive insert D01")(s.Insert("R1-I1-D01", "75NR641-0001"))
	s.waits(time.Hour)
	s.reads("R0", 2, 40)
}

func sceneRepairWithoutTheKey(s *drama) {
	s.does(s.customer.Stop(1), "key server 1 stops")
	s.does(s.customer.Stop(2), "key server 2 stops")
	s.act("iml")(s.DualClusterIML())
	s.repairs("R1-I1-D02", s.spare())
	s.act("smart rebuild D03")(s.SmartRebuild("R1-I1-D03"))
	s.act("drive erase D03")(s.EraseDrive("R1-I1-D03"))
	s.act("rank remove R0")(s.RemoveRank("R0"))
	s.check()
	s.closes()
	s.does(s.customer.Start(1), "key server 1 starts")
	s.act("iml")(s.DualClusterIML())
	s.repairs("R1-I1-D02", "")
	s.waits(time.Hour)
	s.closes()
	s.reads("R0", 1, 40)
}

func sceneReplacementsThatDoNotJoin(s *drama) {
	torn := s.part(s.Lab.part())
	armPart(s.t, torn, "(flash.program.refused)")
	s.repairs("R1-I1-D02", torn.Serial())
	s.closes()
	s.waits(time.Hour)
	stiff := s.part(s.Lab.part())
	armPart(s.t, stiff, stubborn)
	s.repairs("R1-I1-D02", stiff.Serial())
	s.waits(time.Hour)
	s.repairs("R1-I1-D02", s.configured())
	s.closes()
	plain, _ := s.OrderPlainSpare()
	s.repairs("R1-I1-D02", plain.Serial())
	s.closes()
	s.repairs("R1-I1-D02", s.part(PartConfig{SectorSize: 512, Sectors: 1000}).Serial())
	s.repairs("R1-I1-D02", s.part(PartConfig{SectorSize: 4096, Sectors: 65536}).Serial())
	dead := s.part(s.Lab.part())
	dead.Break()
	s.repairs("R1-I1-D02", dead.Serial())
	s.repairs("R1-I1-D02", s.part(PartConfig{SectorSize: 512, Sectors: 70000}).Serial())
	s.waits(time.Hour)
	s.closes()
	s.reads("R0", 1, 40)
}

func sceneEraseByHand(s *drama) {
	for _, slot := range []string{"R1-I1-D01", "R1-I1-D08", "R1-I1-D09"} {
		s.act("drive erase %s", slot)(s.EraseDrive(slot))
		s.act("drive revert %s", slot)(s.RevertDrive(slot))
	}
	s.closes()
	arm(s.t, s.Lab, "R1-I1-D10", stubborn)
	s.act("drive erase D10")(s.EraseDrive("R1-I1-D10"))
	s.does(s.Disarm("R1-I1-D10"), "fault disarm D10")
	wrong, _ := drive.NewPIN([]byte("not what stands on the label 123"))
	s.act("drive revert D10")(s.RevertDriveWith("R1-I1-D10", wrong))
	drivePart(s.t, s.Lab, "R1-I1-D10").Label.PSID = drive.PIN{}
	s.act("drive revert D10")(s.RevertDrive("R1-I1-D10"))
	s.act("drive erase D10")(s.EraseDrive("R1-I1-D10"))
	s.does(s.Pull("R1-I1-D11"), "drive pull D11")
	s.act("drive erase D11")(s.EraseDrive("R1-I1-D11"))
	s.act("drive insert D11")(s.Insert("R1-I1-D11", s.configured()))
	s.act("drive erase D11")(s.EraseDrive("R1-I1-D11"))
	s.act("drive revert D11")(s.RevertDrive("R1-I1-D11"))
	s.does(s.Break("R1-I1-D12"), "drive break D12")
	s.act("drive erase D12")(s.EraseDrive("R1-I1-D12"))
	s.does(s.Break("R1-I1-D02"), "drive break D02")
	s.waits(time.Minute)
	s.act("drive erase D02")(s.EraseDrive("R1-I1-D02"))
	s.act("drive erase D08")(s.EraseDrive("R1-I1-D08"))
	s.waits(time.Hour)
	s.act("drive erase D02")(s.EraseDrive("R1-I1-D02"))
	s.closes()
}

func sceneDrivesAreInserted(s *drama) {
	s.act("drive insert D02")(s.Insert("R1-I1-D02", s.spare()))
	s.does(s.Pull("R1-I1-D02"), "drive pull D02")
	s.does(s.Pull("R1-I1-D02"), "drive pull D02")
	s.writes("R0", 2, 20)
	s.act("drive insert D02")(s.Insert("R1-I1-D02", s.configured()))
	s.waits(5 * time.Minute)
	s.does(s.Pull("R1-I1-D02"), "drive pull D02")
	s.act("drive insert D02")(s.Insert("R1-I1-D02", "FRU00001"))
	s.does(s.Pull("R1-I1-D02"), "drive pull D02")
	s.act("drive insert D02")(s.Insert("R1-I1-D02", "75NR641-0002"))
	s.repairs("R1-I1-D02", "")
	s.waits(10 * time.Minute)
	for _, slot := range []string{"R1-I1-D12", "R1-I1-D13", "R1-I1-D14", "R1-I1-D15", "R1-I1-D16"} {
		s.does(s.Pull(slot), "drive pull %s", slot)
	}
	plain, _ := s.OrderPlainSpare()
	s.act("drive insert D12")(s.Insert("R1-I1-D12", plain.Serial()))
	s.act("drive insert D13")(s.Insert("R1-I1-D13", s.part(PartConfig{SectorSize: 512, Sectors: 65535}).Serial()))
	stuck := s.part(s.Lab.part())
	armPart(s.t, stuck, "(port.power.refused)")
	s.act("drive insert D14")(s.Insert("R1-I1-D14", stuck.Serial()))
	used := s.part(s.Lab.part())
	bench(s.t, used)
	s.act("drive insert D15")(s.Insert("R1-I1-D15", used.Serial()))
	s.does(s.Pull("R1-I1-D03"), "drive pull D03")
	s.act("drive insert D16")(s.Insert("R1-I1-D16", "75NR641-0003"))
	s.act("drive erase D16")(s.EraseDrive("R1-I1-D16"))
	s.act("drive insert D03")(s.Insert("R1-I1-D03", "75NR641-0003"))
	s.waits(2 * time.Hour)
	s.closes()
	s.does(s.Pull("R1-I1-D12"), "drive pull D12")
	s.closes()
	s.does(s.Pull("R1-I1-D16"), "drive pull D16")
	s.act("drive insert D03")(s.Insert("R1-I1-D03", "75NR641-0003"))
	s.waits(2 * time.Hour)
}

func sceneSmartRebuild(s *drama) {
	s.act("smart rebuild D09")(s.SmartRebuild("R1-I1-D09"))
	s.act("smart rebuild D02")(s.SmartRebuild("R1-I1-D02"))
	s.act("smart rebuild D03")(s.SmartRebuild("R1-I1-D03"))
	s.act("repair start D02")(s.StartRepair("R1-I1-D02"))
	s.writes("R0", 2, 40)
	s.waits(10 * time.Minute)
	s.act("smart rebuild D03")(s.SmartRebuild("R1-I1-D03"))
	s.reads("R0", 2, 40)
	s.act("drive erase D02")(s.EraseDrive("R1-I1-D02"))
	s.repairs("R1-I1-D02", s.spare())
	s.waits(time.Hour)
	s.reads("R0", 2, 40)
}

func sceneSmartRebuildsThatMeetAFault(s *drama) {
	s.act("array create S2")(s.CreateArray("S2", RAIDAuto))
	s.act("smart rebuild D02")(s.SmartRebuild("R1-I1-D02"))
	s.does(s.Break("R1-I1-D02"), "drive break D02, the source")
	s.writes("R0", 2, 40)
	s.waits(10 * time.Minute)
	s.act("smart rebuild D03")(s.SmartRebuild("R1-I1-D03"))
	s.does(s.Break("R1-I1-D16"), "drive break D16, the target")
	s.waits(10 * time.Minute)
	s.act("smart rebuild D03")(s.SmartRebuild("R1-I1-D03"))
	s.act("repair start D02")(s.StartRepair("R1-I1-D02"))
	s.act("repair exchange D02")(s.ExchangeFRU("R1-I1-D02", s.spare()))
	s.act("repair resume D02")(s.ResumeRepair("R1-I1-D02"))
	s.waits(10 * time.Minute)
	arm(s.t, s.Lab, "R1-I1-D03", stubborn)
	s.act("smart rebuild D03")(s.SmartRebuild("R1-I1-D03"))
	s.waits(10 * time.Minute)
	s.closes()
	s.reads("R0", 2, 40)
}

func sceneMediaErrors(s *drama) {
	s.HoldExchange(true)
	arm(s.t, s.Lab, "R1-I1-D01", "(media.read.error)")
	for range 4 {
		s.reads("R0", 1, 2)
	}
	s.waits(time.Hour)
	s.HoldExchange(false)
	s.waits(time.Hour)
	s.reads("R0", 1, 40)
	s.act("drive erase D01")(s.EraseDrive("R1-I1-D01"))
	arm(s.t, s.Lab, "R1-I1-D02", "(media.write.error)")
	s.writes("R0", 2, 40)
	s.writes("R0", 2, 40)
	s.waits(time.Hour)
	s.reads("R0", 2, 40)
}
