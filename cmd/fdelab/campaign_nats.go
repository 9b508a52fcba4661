package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/nats-io/nkeys"
	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

// natsFlags are the flags of a server that is somebody's.
func natsFlags(c *cobra.Command, o *campaign.Outside) {
	c.Flags().StringVar(&o.URL, "nats", "", "a NATS server with JetStream, such as nats://host:4222 or tls://host:4222")
	c.Flags().StringVar(&o.CA, "tls-ca", "", "with --nats: file of certificates that the server's must be signed by")
	c.Flags().StringVar(&o.Cert, "tls-cert", "", "with --nats: file of a client certificate")
	c.Flags().StringVar(&o.Key, "tls-key", "", "with --nats: file of its key")
	c.Flags().StringVar(&o.NKey, "nkey", "", "with --nats: file of an NKey seed")
	c.Flags().StringVar(&o.Credentials, "creds", "", "with --nats: file of user credentials")
}

// checkNATS: the flags of a server without a server are a mistake.
func checkNATS(command string, o *campaign.Outside) error {
	switch {
	case o.URL == "" && (o.CA != "" || o.Cert != "" || o.Key != "" || o.NKey != "" || o.Credentials != ""):
		return usagef("%s: --tls-ca, --tls-cert, --tls-key, --nkey and --creds are for --nats", command)
	case (o.Cert == "") != (o.Key == ""):
		return usagef("%s: --tls-cert and --tls-key go together", command)
	case o.NKey != "" && o.Credentials != "":
		return usagef("%s: --nkey and --creds are given: a user has one of them", command)
	}
	return nil
}

// noServer is that a server cannot be reached, or does not let us in.
func noServer(err error) *exitError {
	return cannotf("%w", err).withHint("--nats takes the address of a NATS server that runs, such as nats://192.0.2.7:4222")
}

func newCampaignWorkCmd(a *app) *cobra.Command {
	var o campaign.Outside
	otlp := ""
	programs, memory := false, 0
	w := campaign.WorkerOptions{Note: func(format string, args ...any) { a.note("campaign: "+format, args...) }}
	c := &cobra.Command{
		Use:   "work --nats URL",
		Short: "have jobs of the campaigns of a NATS server, until it is interrupted",
		Long: "work fetches jobs of the campaigns that fdelab campaign run --nats coordinates, has them, and puts\n" +
			"their results. It reads nothing else of the server, and needs no other right there: fdelab campaign\n" +
			"nats-config prints them. Where it is killed, another worker has its jobs. When it is interrupted it\n" +
			"ends those that it has begun.\n\n" +
			"It runs a program that a plan names only with --allow-programs: whoever may coordinate campaigns at\n" +
			"the server then has commands run on this machine, by this user. Programs come by their SHA-256 into\n" +
			"a folder that is removed at the end, with limits on time and memory.\n\n" +
			"Workers are of the same version of fdelab as the coordinator: another one would give other results.",
		Example: "  fdelab campaign work --nats nats://192.0.2.7:4222\n  fdelab campaign work --nats tls://192.0.2.7:4222 --tls-ca ca.pem --nkey worker.nk\n  fdelab campaign work --nats nats://192.0.2.7:4222 --allow-programs --program-memory 1024",
		Args:    between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			switch err := checkNATS("campaign work", &o); {
			case err != nil:
				return err
			case o.URL == "":
				return usagef("campaign work: --nats names the server")
			case w.Slots < 1 || w.Slots > campaign.SlotsMax:
				return usagef("campaign work: --workers %d, want 1 to %d", w.Slots, campaign.SlotsMax)
			case memory != memoryMiB && !programs:
				return usagef("campaign work: --program-memory is for --allow-programs")
			case memory < campaign.MemoryMin>>20 || memory > memoryMaxMiB:
				return usagef("campaign work: --program-memory %d, want %d to %d MiB", memory, campaign.MemoryMin>>20, memoryMaxMiB)
			case programs:
				if err := campaign.CanLimit(); err != nil {
					return cannotf("%w", err)
				}
				w.Programs, w.Memory = campaign.SentPrograms, uint64(memory)<<20
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			defer collectLess()()
			tracer, end, err := a.campaignTraces(ctx, otlp)
			if err != nil {
				return err
			}
			defer end()
			w.Tracer = tracer
			o.Name = "fdelab worker " + w.Name
			nc, err := o.Connect()
			if err != nil {
				return noServer(err)
			}
			defer nc.Close()
			a.note("worker %s has jobs of %s", w.Name, nc.ConnectedUrlRedacted())
			if err := campaign.Work(ctx, nc, w); err != nil {
				return cannotf("%w", err)
			}
			return nil
		},
	}
	natsFlags(c, &o)
	otlpFlag(c, &otlp)
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	c.Flags().StringVar(&w.Name, "name", host, "what status calls this worker")
	c.Flags().IntVar(&w.Slots, "workers", min(runtime.GOMAXPROCS(0), campaign.SlotsMax), fmt.Sprintf("jobs at once, 1 to %d", campaign.SlotsMax))
	c.Flags().BoolVar(&programs, "allow-programs", false, "run programs that coordinators send, too")
	c.Flags().IntVar(&memory, "program-memory", memoryMiB, "with --allow-programs: MiB that each process of a program may have")
	c.Flags().Lookup("name").DefValue = "" // of this machine: no text of the help
	c.Flags().Lookup("workers").DefValue = "0"
	c.Flags().Lookup("name").Usage += " (default the name of the machine)"
	c.Flags().Lookup("workers").Usage += " (default one for each processor)"
	return c
}

// The memory of a program, in MiB.
const (
	memoryMiB    = campaign.MemoryDefault >> 20
	memoryMaxMiB = 1 << 20
)

// nkeyLetters is how long a public NKey is.
const nkeyLetters = 56

func newCampaignConfigCmd(a *app) *cobra.Command {
	var coordinator, worker, programs string
	c := &cobra.Command{
		Use:   "nats-config",
		Short: "print what a nats-server needs for campaigns, and the rights of workers",
		Long: "nats-config prints a part of a configuration of nats-server: storage, and users by their public\n" +
			"NKeys. Workers may ask for jobs, say that they have them, and put results. They read and change\n" +
			"nothing else. Those of --programs, who run work --allow-programs, may also have the jobs of\n" +
			"programs, and read their files.",
		Example: "  fdelab campaign nats-config --coordinator UC... --worker UA... > campaigns.conf",
		Args:    between(0, 0, "none"),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, user := range [][2]string{{"coordinator", coordinator}, {"worker", worker}, {"programs", programs}} {
				flag, key := user[0], user[1]
				if c.Flags().Changed(flag) && (len(key) != nkeyLetters || !nkeys.IsValidPublicUserKey(key)) { // which reads over line ends
					// What stands there may be the seed of a key, and is not shown.
					return usagef("campaign nats-config: --%s: need the public NKey of a user: %d letters and digits that begin with U, as nk -gen user -pubout prints", flag, nkeyLetters)
				}
			}
			if a.json {
				return a.printJSON(map[string][]string{
					"publish": campaign.WorkerMayPublish(), "subscribe": campaign.WorkerMaySubscribe(), "programs_publish": campaign.ProgramsMayPublish(),
				})
			}
			_, err := a.out.Write([]byte(campaign.ServerConfig(coordinator, worker, programs)))
			return err
		},
	}
	c.Flags().StringVar(&coordinator, "coordinator", "COORDINATOR_NKEY", "public NKey of coordinators")
	c.Flags().StringVar(&worker, "worker", "WORKER_NKEY", "public NKey of workers")
	c.Flags().StringVar(&programs, "programs", "", "public NKey of workers with --allow-programs (default no such user)")
	return c
}

// campaignAt coordinates a campaign at a server that is somebody's.
func campaignAt(ctx context.Context, p *campaignPlace, o campaign.Options) (*campaign.State, error) {
	p.nats.Name = "fdelab coordinator"
	nc, err := p.nats.Connect()
	if err != nil {
		return nil, noServer(err)
	}
	defer nc.Close()
	o.Send = true
	s, err := campaign.Coordinate(ctx, nc, p.plan, o)
	if errors.Is(err, campaign.ErrOther) {
		return s, cannotf("%w", err).withHint("a coordinator that begins later takes the campaign over")
	}
	return s, err
}
