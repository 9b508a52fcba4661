package campaign

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// What a campaign has on a server. The streams are of all campaigns together.
const (
	jobsStream    = "FDELAB_JOBS"
	resultsStream = "FDELAB_RESULTS"
	stateBucket   = "FDELAB_CAMPAIGNS" // a value for each campaign, by its ID
	programStore  = "FDELAB_PROGRAMS"  // an object for each file of a campaign that runs programs, by its ID and SHA-256

	// The consumers of jobsStream: of all workers, and of those that run programs.
	workConsumer    = "workers"
	programConsumer = "programs"

	jobSubjects     = "fdelab.job"
	programSubjects = "fdelab.program" // jobs that run a program of the coordinator
	resultSubjects  = "fdelab.result"
	beginSubjects   = "fdelab.begin" // a request: may this job be begun once more?

	coordinatorSubjects = "fdelab.coordinator" // requests to the coordinator of a campaign: see Runs and Stop
)

// Headers of a result. They are about the worker, and not a part of the report.
const (
	workerHeader = "Fdelab-Worker"
	tookHeader   = "Fdelab-Took" // nanoseconds
)

func subject(of, id string, n uint64) string { return of + "." + id + "." + strconv.FormatUint(n, 10) }

func coordinatorSubject(id string) string { return coordinatorSubjects + "." + id }

// numberOf reads the job of a subject.
func numberOf(subject string) (uint64, error) {
	return strconv.ParseUint(subject[strings.LastIndexByte(subject, '.')+1:], 10, 64)
}

// plainID is the form of a campaign's ID.
var plainID = regexp.MustCompile(`^[0-9a-f]{12}$`)

// ticket is a job on its way.
type ticket struct {
	Campaign string        `json:"campaign"`
	Version  string        `json:"version"` // of fdelab: a worker of another one gives other results
	Limit    time.Duration `json:"limit"`   // nanoseconds
	Job      campaign.Job  `json:"job"`
	Files    []file        `json:"files,omitempty"` // of its program
}

// The bounds of what a server keeps.
const (
	jobsBytesMax    = 128 << 20
	resultsBytesMax = 512 << 20
	ticketBytesMax  = 64 << 10
	ageMax          = 30 * 24 * time.Hour
)

// ackWait is how long a job is a worker's that gives no sign; each signs several times in it.
var ackWait = 10 * time.Second

func jobsConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: jobsStream, Subjects: []string{jobSubjects + ".*.*", programSubjects + ".*.*"}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxMsgsPerSubject: 1,
		MaxBytes: jobsBytesMax, MaxMsgSize: ticketBytesMax, MaxAge: ageMax, Replicas: replicas,
	}
}

func resultsConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: resultsStream, Subjects: []string{resultSubjects + ".*.*"}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxMsgsPerSubject: 1,
		MaxBytes: resultsBytesMax, MaxMsgSize: campaign.ResultBytesMax + 4<<10, MaxAge: ageMax, Replicas: replicas,
	}
}

// consumerOf is a consumer of jobs of some subjects, from which every worker pulls.
func consumerOf(name, subjects string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: name, FilterSubject: subjects + ".*.*", AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1, MaxAckPending: 100_000, MaxWaiting: 100_000,
	}
}

// resultsConsumer is the consumer of a campaign's results. Its coordinator makes it anew: what the one before took
// and did not acknowledge comes again at once.
func resultsConsumer(id string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: "results-" + id, FilterSubject: fmt.Sprintf("%s.%s.*", resultSubjects, id), AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: time.Hour, MaxAckPending: -1, MaxDeliver: -1,
	}
}
