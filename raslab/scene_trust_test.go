package raslab

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// What drives prove, who answers for them, what the health check and the discontinue scan find.
var trustScenes = []scene{
	{name: "discontinue", play: sceneDiscontinue},
	{name: "custody", play: sceneCustody},
	{name: "drives that prove something else", play: sceneDrivesThatProveSomethingElse},
	{name: "what the health check finds", play: sceneWhatTheHealthCheckFinds},
	{name: "a drive with tries used up", options: Options{Bands: 2}, play: sceneADriveWithTriesUsedUp},
}

// degrade rots every page of the key record of a drive while its slot has no power.
func degrade(t require.TestingT, l *Lab, slotName string) {
	p, err := l.plant.Part(slotName)
	require.NoError(t, err)
	require.NoError(t, l.CutPower(slotName))
	for _, page := range p.Flash.Dump() {
		require.NoError(t, p.Flash.Decay(page.Block, page.Page, 1000))
	}
	require.NoError(t, l.RestorePower(slotName))
}

func sceneDiscontinue(s *drama) {
	s.scan()
	s.act("rank remove R0")(s.RemoveRank("R0"))
	s.scan()
	require.NoError(s.t, drivePart(s.t, s.Lab, "R1-I1-D01").Drive.Write(0, salaries))
	require.NoError(s.t, drivePart(s.t, s.Lab, "R1-I1-D09").Drive.Write(0, salaries))
	configure(s.t, drivePart(s.t, s.Lab, "R1-I1-D10"))
	s.does(s.RestorePower("R1-I1-D10"), "power restore D10")
	s.does(s.Break("R1-I1-D11"), "drive break D11")
	s.does(s.Pull("R1-I1-D12"), "drive pull D12")
	s.does(s.Pull("R1-I1-D02"), "drive pull D02")
	s.does(s.Pull("R1-I1-D13"), "drive pull D13")
	plain, _ := s.OrderPlainSpare()
	s.act("drive insert D13")(s.Insert("R1-I1-D13", plain.Serial()))
	s.scan()
	require.NoError(s.t, drivePart(s.t, s.Lab, "R1-I1-D13").Drive.Write(0, append(salaries, salaries...)))
	s.scan()
	s.closes()
	for _, slot := range []string{"R1-I1-D01", "R1-I1-D02", "R1-I1-D09", "R1-I1-D10", "R1-I1-D13", "R1-I1-D14"} {
		c, why, err := s.CertificateAt(slot)
		s.does(err, "certificate at %s: %t, %s", slot, c != nil, why)
	}
	s.act("drive erase D01")(s.EraseDrive("R1-I1-D01"))
	s.act("drive erase D09")(s.EraseDrive("R1-I1-D09"))
	for _, slot := range []string{"R1-I1-D10", "R1-I1-D11", "R1-I1-D13"} {
		s.does(s.Pull(slot), "drive pull %s", slot)
	}
	s.closes()
	s.scan()
}

func sceneCustody(s *drama) {
	answer := func(name, by, reason string) {
		r, err := s.AnswerFor(name, by, reason)
		s.does(err, "custody answer %s by %q, %q: %s", name, by, reason, r.State)
	}
	s.does(s.Pull("R1-I1-D03"), "drive pull D03")
	answer("75NR641-0003", "J. Doe", "shredded")
	s.waits(2 * time.Hour)
	s.does(s.Pull("R1-I1-D04"), "drive pull D04")
	answer("75NR641-0004", "J. Doe", "shredded")
	answer("75NR641-0003", " ", "shredded")
	answer("75NR641-0003", "J. Doe", " ")
	answer("75NR641-0005", "J. Doe", "shredded")
	answer("75NR641-0009", "J. Doe", "shredded")
	answer("nobody", "J. Doe", "shredded")
	answer("75nr641-0003", " J. Doe ", " with the police ")
	answer("75NR641-0003", "J. Doe", "again")
	s.act("drive insert D03")(s.Insert("R1-I1-D03", "75NR641-0003"))
	for _, name := range []string{"75NR641-0003", "", "75nr641-0004", "x"} {
		r, err := s.CustodyOf(name)
		s.does(err, "custody show %s: %s", name, custodyLine(r))
	}
	of, err := s.CustodyOf("75NR641-0006")
	require.NoError(s.t, err)
	long := of.Identity.Fingerprint()
	for _, n := range []int{7, 8, 16} {
		r, err := s.CustodyOf(long[:n])
		s.does(err, "custody show %s: %s", long[:n], custodyLine(r))
	}
	s.repairs("R1-I1-D06", s.spare())
	s.waits(time.Hour)
	answer("75NR641-0006", "J. Doe", "sold")
	s.act("iml")(s.DualClusterIML())
	s.act("rank remove R0")(s.RemoveRank("R0"))
	answer("75NR641-0004", "J. Doe", "shredded")
	s.scan()
}

func sceneDrivesThatProveSomethingElse(s *drama) {
	s.does(s.Pull("R1-I1-D03"), "drive pull D03")
	s.Shelf().take(s.Shelf().Find("75NR641-0003"))
	clone(s.t, s.Lab, "75NR641-0003", 99)
	s.act("drive insert D03")(s.Insert("R1-I1-D03", "75NR641-0003"))
	s.repairs("R1-I1-D03", "")
	s.act("repair start D03")(s.StartRepair("R1-I1-D03"))
	s.act("repair cancel D03")(s.CancelRepair("R1-I1-D03"))
	s.waits(time.Hour)
	s.act("repair start D04")(s.StartRepair("R1-I1-D04"))
	s.act("repair cancel D04")(s.CancelRepair("R1-I1-D04"))
	s.does(s.Pull("R1-I1-D16"), "drive pull D16")
	s.does(s.Pull("R1-I1-D15"), "drive pull D15")
	copied := clone(s.t, s.Lab, "75NR641-0009", s.options.Seed)
	s.act("drive insert D16")(s.Insert("R1-I1-D16", copied.Serial()))
	relabelled := s.part(s.Lab.part())
	relabelled.Label.Serial = " FRU"
	s.act("drive insert D15")(s.Insert("R1-I1-D15", " FRU"))
	s.waits(time.Hour)
	s.act("rank remove R0")(s.RemoveRank("R0"))
	s.scan()
	clone(s.t, s.Lab, "75NR641-0016", 7)
	s.act("drive insert D17")(s.Insert("R1-I1-D17", "75NR641-0016"))
	s.does(s.Pull("R1-I1-D15"), "drive pull D15")
	s.act("drive insert D15")(s.Insert("R1-I1-D15", "75NR641-0016"))
	s.act("drive insert D15")(s.Insert("R1-I1-D15", "75NR641-0016#2"))
	s.act("drive insert D15")(s.Insert("R1-I1-D15", "75NR641-0016#3"))
}

func sceneWhatTheHealthCheckFinds(s *drama) {
	s.check()
	erase := func(slot string) {
		p := drivePart(s.t, s.Lab, slot)
		require.NoError(s.t, p.Drive.RevertPSID(p.Label.PSID))
	}
	erase("R1-I1-D01")
	s.check()
	s.closes()
	s.does(s.CutPower("R1-I1-D02"), "power cut D02")
	s.does(s.RestorePower("R1-I1-D02"), "power restore D02")
	s.check()
	s.closes()
	s.reads("R0", 1, 40)
	s.repairs("R1-I1-D01", "")
	s.act("iml")(s.DualClusterIML())
	s.repairs("R1-I1-D01", "")
	s.waits(time.Hour)
	s.closes()
	s.does(s.Pull("R1-I1-D16"), "drive pull D16")
	s.does(s.CutPower("R1-I1-D15"), "power cut D15")
	s.does(s.Break("R1-I1-D14"), "drive break D14")
	degrade(s.t, s.Lab, "R1-I1-D08")
	s.waits(time.Hour)
	s.printf("failures %+v", s.DriveFailures())
	s.does(s.RestorePower("R1-I1-D15"), "power restore D15")
	s.does(s.Pull("R1-I1-D06"), "drive pull D06")
	s.waits(time.Hour)
	s.act("drive insert D06")(s.Insert("R1-I1-D06", "75NR641-0006"))
	s.waits(time.Hour)
	s.does(s.Pull("R1-I1-D05"), "drive pull D05")
	s.waits(time.Hour)
	s.repairs("R1-I1-D08", "")
	s.act("drive revert D08")(s.RevertDrive("R1-I1-D08"))
	s.repairs("R1-I1-D08", "")
	s.waits(time.Hour)
	s.reads("R0", 1, 40)
	s.closes()
}

func sceneADriveWithTriesUsedUp(s *drama) {
	wrong, err := drive.NewPIN([]byte("wrong"))
	require.NoError(s.t, err)
	use := func(p *Part, a drive.Authority) {
		require.NoError(s.t, p.Drive.PowerOn())
		for range driveTryLimit {
			_, err := p.Drive.Authenticate(a, wrong)
			require.Error(s.t, err)
		}
		p.Drive.PowerOff()
	}
	band, volatile, master := s.part(s.Lab.part()), s.Lab.part(), s.part(s.Lab.part())
	use(band, drive.BandMaster(1))
	use(master, drive.EraseMaster)
	volatile.Volatile = true
	forgets := s.part(volatile)
	use(forgets, drive.BandMaster(0))
	for _, p := range []*Part{band, master, forgets} {
		s.repairs("R1-I1-D02", p.Serial())
		s.waits(time.Hour)
		s.closes()
	}
	again := s.part(s.Lab.part())
	use(again, drive.BandMaster(2))
	s.act("mes install")(s.InstallMES(MESRequest{Serials: []string{again.Serial(), s.configured()}}))
	s.closes()
	s.reads("R0", 1, 40)
}
