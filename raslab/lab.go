package raslab

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
	"github.com/seed-9d983aeb/fdelab/erase"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// Options is what a facility is built with. The zero value is a facility of 32
// drives with seed 0.
type Options struct {
	Drives     int       // a multiple of 8, 8 to 1536; default 32
	Seed       uint64    // every key follows from it and from Serial
	Start      time.Time // virtual time at power-on; default 2026-01-05 08:00 UTC
	SectorSize int       // bytes, 512 (default) or 4096
	Sectors    uint64    // capacity of a drive in sectors; default 65536
	Bands      int       // bands of a drive besides the global one, 0 to drive.MaxRanges; default 0
	KeyServers int       // key servers of the customer, as key managers of key group 1; 1 to 4, negative for none; default 2
	Consoles   int       // management consoles, 1 or 2; default 2
	// KeyPeriod is the time between two periodic key retrievals, at least a
	// minute; default 8 h (assumption).
	KeyPeriod time.Duration
	// Dial gives the facility a real key server behind a key manager, such as a KMIP server by
	// address, authority and client certificate. The way from the partitions to the console stays
	// simulated. A real server is outside the lab's virtual time, and the trace is not reproducible
	// with one. nil, or a nil answer, is the simulated network. Dial is called when a key manager
	// is made or changed.
	Dial func(KeyManagerInfo) encgroup.KeyServer
	// Cloud is the cloud server for objects of key groups of type TCT, such as a tct.HTTP; nil is a
	// simulated one (customer.CloudServer). CloudEntropy is the source of object keys, and required
	// with Cloud. It must not be a seeded stream: that would make the same keys again for other
	// objects, and the server may have kept the earlier objects.
	Cloud        tct.Cloud
	CloudEntropy io.Reader

	// Plain names the slots whose drives cannot encrypt; at least one drive must be able to.
	// NoCertificate delivers the facility without a certificate.
	Plain         []string
	NoCertificate bool
	// Wire lets the facility reach its drives over their security interface and their block interface, by
	// drive/tcg/remote, and not by their methods. Nothing that it does or says depends on it.
	Wire bool

	Serial string // of the facility, 1 to 10 letters and digits; default "75NR641"
	// Shelf holds loose drives. Facilities that share one can exchange drives;
	// nil gives the facility a shelf of its own.
	Shelf *Shelf
}

const keyServersMax = 4

// Lab is one storage facility in virtual time. It is not safe for concurrent
// use.
//
// It is made of parts. Each part is declared in the file of its concern, and a method that needs
// only one part is a method of that part.
type Lab struct {
	options Options
	clock   clock
	trace   []TraceEntry
	eraser  eraser    `image:"wired"` // made of options and certificate, and has no state but canary
	canary  io.Reader // entropy of the eraser

	plant       // enclosures, array sites, arrays, ranks
	hostIO      // rows in progress
	health      // what the hourly check works with
	power       // of the whole facility
	sfi         // the storage facility image: its partitions
	keys        // key groups and key managers
	hmc         // management consoles and their links
	certificate // the facility's own
	records     // the key repository
	service     // actions in progress
	events      // serviceable events
	support     // call home
	custody     // of every drive that was ever in a slot
	owed        // work on drives that a failure left for later

	// The customer's side.
	customer *customer.Site // for hands alone; what software sees of it is wire
	wire     wire
	cloud    cloudSide
}

// New builds a facility and runs its first IML: drives from the factory in every
// slot, key servers running, no key group, no array. Facilities that share a
// shelf must have different serials.
func New(o Options) (*Lab, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	return build(o)
}

// build is New for complete options.
func build(o Options) (*Lab, error) {
	l := &Lab{
		options: o, clock: clock{start: o.Start},
		plant:   plant{byName: map[string]*slot{}},
		keys:    keys{kinds: map[int]encgroup.Kind{}},
		sfi:     sfi{state: sfiRunning},
		support: support{center: supportCenter{state: SupportAnswers}},
	}
	l.clock.guard = l
	if err := l.newKeyPath(); err != nil {
		return nil, err
	}
	if err := l.newRepository(); err != nil {
		return nil, err
	}
	l.newCloud()
	l.custody.challenges = l.stream("challenges")
	var err error
	if err := l.newCustody(); err != nil {
		return nil, err
	}
	l.canary = l.stream("erase")
	if l.eraser, err = l.newEraser(); err != nil {
		return nil, err
	}
	for left := o.Drives; left > 0; left -= slotsPerEnclosure {
		n := min(left, slotsPerEnclosure)
		for _, s := range l.addEnclosure(n)[:n] {
			p, err := l.newDrive()
			if err != nil {
				return nil, err
			}
			p.plain = slices.Contains(o.Plain, s.name)
			l.health.fit(s, p)
			s.state, s.why = NewDrive, ""
		}
	}
	for i := range l.sfi.partitions {
		l.sfi.partitions[i] = partition{id: i, complete: true, access: true, last: o.Start, memory: memory{entropy: l.stream(memoryName(i))}}
	}
	l.logf("iml", "facility %s: %d enclosures, %d drives, %d array sites, %d key servers",
		o.Serial, len(l.plant.slots)/slotsPerEnclosure, o.Drives, len(l.plant.sites), max(o.KeyServers, 0))
	l.install(l.begin("field install", o.Serial), true)
	l.clock.after(healthPeriod, "health check", hourly{l})
	l.schedulePeriodic()
	return l, nil
}

// newKeyPath builds what is between the partitions and their keys: consoles, links,
// certificates, the customer's machines, and a key manager for each.
func (l *Lab) newKeyPath() (err error) {
	for i := range l.hmc.consoles {
		l.hmc.consoles[i] = console{id: i + 1, serves: i < l.options.Consoles}
	}
	from, to := l.options.certified()
	if l.certificate.maker, err = cert.NewCA("facility factory CA", from, to, l.stream("maker")); err != nil {
		return fmt.Errorf("raslab: %w", err)
	}
	if err := l.newCustomer(from, to); err != nil {
		return err
	}
	if !l.options.NoCertificate {
		if err := l.DefaultCertificate(); err != nil {
			return err
		}
	}
	for i, name := range l.keyServerNames() {
		m := &keyManager{id: i + 1, active: true, addr: name, port: customer.PortKMIP, protocol: ProtocolTLS, key: KMIP, group: 1, cert: customerCertificate}
		l.lay(m)
		l.keys.managers = append(l.keys.managers, m)
	}
	return nil
}

// complete fills in the defaults and refuses options that are not possible.
func (o *Options) complete() error {
	const op = "lab new"
	if o.Drives == 0 {
		o.Drives = 32
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, time.January, 5, 8, 0, 0, 0, time.UTC)
	}
	if o.SectorSize == 0 {
		o.SectorSize = 512
	}
	if o.Sectors == 0 {
		o.Sectors = 65536
	}
	if o.KeyServers == 0 {
		o.KeyServers = 2
	}
	if o.Serial == "" {
		o.Serial = "75NR641"
	}
	if o.Consoles == 0 {
		o.Consoles = 2
	}
	if o.KeyPeriod == 0 {
		o.KeyPeriod = keyPeriod
	}
	switch {
	case o.Drives < drivesPerSite || o.Drives > drivesMax || o.Drives%drivesPerSite != 0:
		return refuse(ErrInvalid, op, fmt.Sprintf("%d drives", o.Drives), fmt.Sprintf("a multiple of %d from %d to %d is right", drivesPerSite, drivesPerSite, drivesMax))
	case o.SectorSize != 512 && o.SectorSize != 4096:
		return refuse(ErrInvalid, op, fmt.Sprintf("sectors of %d bytes", o.SectorSize), "512 and 4096 are right")
	case o.Sectors > 1<<40:
		return refuse(ErrInvalid, op, fmt.Sprintf("%d sectors a drive", o.Sectors), "at most 2^40 are possible")
	case o.Bands < 0 || o.Bands > drive.MaxRanges:
		return refuse(ErrInvalid, op, fmt.Sprintf("%d bands a drive", o.Bands), fmt.Sprintf("0 to %d are possible", drive.MaxRanges))
	case o.KeyServers > keyServersMax:
		return refuse(ErrInvalid, op, fmt.Sprintf("%d key servers", o.KeyServers), fmt.Sprintf("at most %d are possible", keyServersMax))
	case o.Consoles < 1 || o.Consoles > 2:
		return refuse(ErrInvalid, op, fmt.Sprintf("%d consoles", o.Consoles), "1 and 2 are right")
	case o.KeyPeriod < time.Minute:
		return refuse(ErrInvalid, op, fmt.Sprintf("a key retrieval every %s", Spell(o.KeyPeriod)), "at least 1m is right")
	case len(o.Plain) >= o.Drives:
		return refuse(ErrInvalid, op, "no drive can encrypt", "a facility without encryption is not simulated")
	case o.Cloud != nil && o.CloudEntropy == nil:
		return refuse(ErrInvalid, op, "a cloud server without a source of entropy", "object keys for it need one")
	case !plainName(o.Serial):
		return refuse(ErrInvalid, op, fmt.Sprintf("serial number %q", o.Serial), "1 to 10 letters and digits are right")
	}
	for _, name := range o.Plain {
		if !o.hasSlot(name) {
			return refuse(ErrInvalid, op, fmt.Sprintf("no drive is delivered in slot %q", name), fmt.Sprintf("slots are named like %s", slotName(1, 1)))
		}
	}
	if o.Shelf == nil {
		o.Shelf = NewShelf(o.Seed)
	}
	return nil
}

// hasSlot says whether a drive is delivered in a slot.
func (o *Options) hasSlot(name string) bool {
	for i := range o.Drives {
		if name == slotName(i/slotsPerEnclosure+1, i%slotsPerEnclosure+1) {
			return true
		}
	}
	return false
}

func plainName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 10
}

// stream is the entropy of one component of this facility.
func (l *Lab) stream(component string) io.Reader {
	return entropy.Stream(l.options.Seed, "facility "+l.options.Serial+"/"+component)
}

// certificateKey is the key with which the facility signs its certificates of sanitization.
func (l *Lab) certificateKey() (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(l.stream("certificates"), seed); err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// CertificateKey is the public key, of 32 bytes, of the key with which the facility signs its
// certificates of sanitization. It follows from the seed and the serial number.
func (l *Lab) CertificateKey() (ed25519.PublicKey, error) {
	key, err := l.certificateKey()
	if err != nil {
		return nil, err
	}
	return key.Public().(ed25519.PublicKey), nil
}

// eraser is an [erase.Engine].
type eraser interface {
	Run(context.Context, []erase.Job) (erase.Report, error)
}

func (l *Lab) newEraser() (eraser, error) {
	key, err := l.certificateKey()
	if err != nil {
		return nil, err
	}
	return erase.New(erase.Options{
		Clock: l.Now, Entropy: l.canary, Signer: key, Tool: "fdelab",
		Policy:    erase.Policy{By: "storage facility " + l.options.Serial, Identity: true},
		Statement: erase.Statement{Organization: "storage facility " + l.options.Serial, MediaSource: "storage facility " + l.options.Serial},
	})
}

// newDrive comes from the factory for this facility.
func (l *Lab) newDrive() (*Part, error) {
	l.plant.made++
	return manufacture(l.options.Seed, fmt.Sprintf("%s-%04d", l.options.Serial, l.plant.made), l.part())
}

// fit puts a part that never lay on a shelf into a slot.
func (h *health) fit(s *slot, p *Part) {
	s.port.part, p.slot = p, s
	h.stale = true
}

// Options is what the facility was built with, defaults filled in.
func (l *Lab) Options() Options { return l.options }

// Serial is the facility's serial number.
func (l *Lab) Serial() string { return l.options.Serial }

// Shelf is where loose drives lie.
func (l *Lab) Shelf() *Shelf { return l.options.Shelf }
