//go:build unix

package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

var (
	eraseKills = flag.Int("erasekills", 6, "how often TestEraseSurvivesKills kills fdelab erase")
	eraseSeed  = flag.Uint64("eraseseed", 0, "seed of the moments at which it does; 0: of the clock")
)

// killed is one drive of the test, with what a thief who knows every secret has of it.
type killed struct {
	path, serial string
	kind         string // "plain", "owned", "lost": the PIN of its owner is not given, "bystander": in a directory that is not asked for
	secrets      []forensic.Secret
	oracle       forensic.Oracle
	owner        drive.PIN
	plain        []byte
}

// killSet is a directory of drives and everything around it.
type killSet struct {
	t      testing.TB
	dir    string // of the test
	key    ed25519.PublicKey
	drives []*killed
	erase  int                          // how many of them are to be erased
	others map[string][sha256.Size]byte // files that nobody asked to change
	proved map[string]bool              // certificates whose drive the thief has tried
	late   int                          // certificates for drives that a run before the key came had erased
	keyed  bool                         // the command is given the key that signs certificates
}

const (
	killSector = 5
	killMany   = 50 // kills from which on the sets are large
)

func newKillSet(t testing.TB, rng *rand.Rand, drives int) *killSet {
	k := &killSet{t: t, erase: drives, dir: t.TempDir(), others: map[string][sha256.Size]byte{}, proved: map[string]bool{}}
	for _, d := range []string{"drives", "owners", "elsewhere"} {
		require.NoError(t, os.Mkdir(filepath.Join(k.dir, d), 0o700))
	}
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	k.key = public
	require.NoError(t, os.WriteFile(filepath.Join(k.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	for n := range drives {
		k.add(rng, "drives", fmt.Sprintf("ERASE%02d", n), []string{"plain", "owned"}[n%2])
	}
	k.add(rng, "drives", "LOST", "lost")
	k.add(rng, "elsewhere", "BYSTANDER", "bystander")
	for name, text := range map[string]string{"drives/notes.txt": "not a drive\n", "drives/text.drive": "not a drive either\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600))
		k.others[name] = sha256.Sum256([]byte(text))
	}
	return k
}

// add makes a drive with data, owned or not.
func (k *killSet) add(rng *rand.Rand, dir, serial, kind string) {
	t := k.t
	d := &killed{path: filepath.Join(k.dir, dir, serial+".drive"), serial: serial, kind: kind, plain: make([]byte, 512)}
	for i := range d.plain {
		d.plain[i] = byte(rng.Uint32())
	}
	cfg := drive.Config{Serial: serial, SectorSize: 512, Sectors: 64, Ranges: rng.IntN(3), TryLimit: 250, Persistent: true, PBKDF2Iterations: 1}
	f, label, err := drive.CreateFile(d.path, cfg, drive.FileOptions{Entropy: entropy.Stream(rng.Uint64(), serial)})
	require.NoError(t, err)
	require.NoError(t, f.Write(killSector, d.plain))
	if kind != "plain" {
		var c secret.Key32
		for i := range c {
			c[i] = byte(rng.Uint32())
		}
		d.owner = drive.CredentialPIN(&c)
		s, err := f.Authenticate(drive.BandMaster(0), label.MSID)
		require.NoError(t, err)
		require.NoError(t, s.Migrate(d.owner))
		s.Close()
		d.secrets = append(d.secrets, forensic.PIN("owner", d.owner))
		if kind == "owned" {
			require.NoError(t, os.WriteFile(filepath.Join(k.dir, "owners", serial+".pin"), fmt.Appendf(nil, "hex:%x\n", c[:]), 0o600))
		}
	}
	fuses := f.Fuses()
	d.secrets = append(d.secrets, forensic.Root(fuses.Root), forensic.PIN("MSID", label.MSID), forensic.PIN("PSID", label.PSID))
	cipher, ok := f.Dump().Sector(killSector)
	require.True(t, ok)
	d.oracle = forensic.Oracle{Name: "the sector", SectorSize: 512, LBA: killSector, Plain: d.plain, Cipher: cipher}
	require.NoError(t, f.Close())
	k.drives = append(k.drives, d)
	require.True(t, k.readable(d), "the thief gets at a drive that is not erased: the control of everything below")
}

// readable says whether the thief, who opened the chip and knows every secret, reads the old sector.
func (k *killSet) readable(d *killed) bool {
	k.t.Helper()
	f, err := drive.OpenFile(d.path, drive.FileOptions{Entropy: entropy.Stream(1, "thief")})
	require.NoError(k.t, err)
	defer f.Close()
	found, err := forensic.Search(f.Dump(), d.secrets, []forensic.Oracle{d.oracle}, forensic.Options{Iterations: 1})
	require.NoError(k.t, err)
	return len(found.Keys) > 0
}

// command is the run, or its resumption.
func (k *killSet) command() *exec.Cmd {
	exe, err := exec.LookPath("fdelab") // testscript.Main puts it on PATH
	require.NoError(k.t, err)
	args := []string{"erase", "drives", "--yes", "--json", "--workers", "2", "--owner-file", "owners"}
	if k.keyed {
		args = append(args, "--key", "key.pem")
	}
	if _, err := os.Stat(filepath.Join(k.dir, "drives", "erase.journal")); err == nil {
		args = append(args, "--resume")
	}
	c := exec.Command(exe, args...)
	c.Dir = k.dir
	return c
}

// certificates: none stands for a drive that the thief can read.
func (k *killSet) certificates() (n int) {
	files, err := filepath.Glob(filepath.Join(k.dir, "drives", "certificates", "*.cert"))
	require.NoError(k.t, err)
	for _, file := range files {
		n++
		if k.proved[file] {
			continue
		}
		b, err := os.ReadFile(file)
		require.NoError(k.t, err)
		c, err := erase.VerifyCertificate(b, k.key)
		require.NoError(k.t, err, "%s is a whole certificate", file)
		for _, d := range k.drives {
			if d.serial == c.Statement.MediaSerial {
				require.False(k.t, k.readable(d), "%s stands for a drive that the thief can read", file)
				k.proved[file] = true
				if strings.Contains(c.Statement.MethodDetails, "by an earlier run") {
					k.late++
				}
			}
		}
		require.True(k.t, k.proved[file], "%s is of a drive of the test", file)
	}
	return n
}

// ended looks at everything after a run that was not killed.
func (k *killSet) ended(out []byte) {
	t := k.t
	var said erased
	require.NoError(t, json.Unmarshal(out, &said), string(out))
	outcome := map[string]erase.Outcome{}
	for _, d := range said.Drives {
		outcome[filepath.Join(k.dir, d.File)] = d.Outcome
	}
	require.Equal(t, cannotUse, outcome[filepath.Join(k.dir, "drives", "text.drive")])
	for _, d := range k.drives {
		switch d.kind {
		case "plain", "owned":
			require.Contains(t, []erase.Outcome{erase.Passed, erase.AlreadyErased}, outcome[d.path], d.serial)
			require.False(t, k.readable(d), "%s is reported as erased, and the thief reads it", d.serial)
			if k.keyed {
				require.FileExists(t, filepath.Join(k.dir, "drives", "certificates", d.serial+".cert"))
			}
		case "lost":
			require.Equal(t, noPlan, outcome[d.path], "whose owner is not here is reported")
			k.holds(d)
		case "bystander":
			require.NotContains(t, outcome, d.path)
			k.holds(d)
		}
	}
	if want := k.certificates(); k.keyed {
		require.Equal(t, k.erase, want)
	} else {
		require.Zero(t, want, "without a key nothing is certified")
	}
	for name, sum := range k.others {
		b, err := os.ReadFile(filepath.Join(k.dir, name))
		require.NoError(t, err)
		require.Equal(t, sum, sha256.Sum256(b), name)
	}
	for _, dir := range []string{"drives", filepath.Join("drives", "certificates")} {
		left, err := filepath.Glob(filepath.Join(k.dir, dir, ".*"))
		require.NoError(t, err)
		require.Empty(t, left, "a run that ended has cleared away what kills left")
	}
	k.onceEach()
}

// holds: the owner still reads his data.
func (k *killSet) holds(d *killed) {
	f, err := drive.OpenFile(d.path, drive.FileOptions{Entropy: entropy.Stream(1, "owner")})
	require.NoError(k.t, err)
	defer f.Close()
	require.NoError(k.t, f.PowerOn())
	s, err := f.Authenticate(drive.BandMaster(0), d.owner)
	require.NoError(k.t, err)
	require.NoError(k.t, s.Unlock())
	b := make([]byte, 512)
	require.NoError(k.t, f.Read(killSector, b))
	require.Equal(k.t, d.plain, b, "%s: nobody asked for its data to go", d.serial)
}

// onceEach: no drive that had passed was erased again.
func (k *killSet) onceEach() {
	j, err := erase.OpenJournal(filepath.Join(k.dir, "drives", "erase.journal"))
	require.NoError(k.t, err)
	defer j.Close()
	entries, err := j.Entries()
	require.NoError(k.t, err)
	passed := map[string]bool{}
	for _, e := range entries {
		require.False(k.t, e.Event == "begin" && passed[e.Serial], "%s had passed, and was erased again", e.Serial)
		passed[e.Serial] = passed[e.Serial] || e.Event == "end" && e.Result.Outcome == erase.Passed
	}
	require.Len(k.t, passed, k.erase)
}

// TestEraseSurvivesKills: fdelab erase on many files is killed by SIGKILL at random moments and resumed
// until it ends by itself. At every moment no certificate stands for a drive that a thief can read.
// In the end every drive is erased or reported, none that had passed was erased again, and nothing is
// gone that was not asked to go. In every other set the key that signs comes in a later run only: drives
// that the runs before it erased get their certificates from the journal. It runs alone: a process that another test starts has this one's open
// files, and so the locks of its drives, until it runs its program.
func TestEraseSurvivesKills(t *testing.T) {
	kills, seed := *eraseKills, *eraseSeed
	if testing.Short() {
		kills = min(kills, 3)
	}
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("again: -erasekills=%d -eraseseed=%d", kills, seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	drives := 20 // more than the command opens at a time
	if kills >= killMany {
		drives = 200
	}
	sets, between, late := 0, 0, 0
	first := newKillSet(t, rng, drives)
	first.keyed = true
	whole := first.run(0) // how long a run takes that nobody kills
	for done := 0; done < kills; sets++ {
		k := newKillSet(t, rng, drives)
		k.keyed = sets%2 == 1
		for done < kills {
			ended := k.run(1+time.Duration(rng.Int64N(int64(whole)))) > 0
			if ended && k.keyed {
				break
			}
			k.keyed = k.keyed || ended || rng.IntN(3) == 0
			if ended {
				continue
			}
			done++
			if n := k.certificates(); n > 0 && n < drives {
				between++
			}
		}
		if done == kills {
			k.keyed = true
			k.run(0)
		}
		late += k.late
	}
	t.Logf("%d kills in %d sets of %d drives; after %d of them there were some certificates and not all; %d of a run before the key came", kills, sets, drives, between, late)
}

// run runs the command, or goes on with it, and kills it after a time; 0: never. It gives how long a run
// took that ended by itself, after a look at everything, and 0 for one that was killed.
func (k *killSet) run(limit time.Duration) time.Duration {
	t := k.t
	c := k.command()
	var out, said strings.Builder
	c.Stdout, c.Stderr = &out, &said
	began := time.Now()
	require.NoError(t, c.Start())
	exited := make(chan error, 1)
	go func() { exited <- c.Wait() }()
	var over <-chan time.Time
	if limit > 0 {
		over = time.After(limit)
	}
	select {
	case <-over:
		_ = c.Process.Kill() // it may have ended in this moment
		<-exited
		return 0
	case err := <-exited:
		took := time.Since(began)
		require.Error(t, err, "two files are not erased, and the exit code says so")
		require.Equal(t, exitFailed, c.ProcessState.ExitCode(), said.String())
		k.ended([]byte(out.String()))
		return took
	}
}
