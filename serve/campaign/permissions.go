package campaign

import (
	"fmt"
	"strings"
)

// WorkerMayPublish are the subjects that a worker publishes to: it asks for jobs, says that it has them, puts results,
// and asks whether it may begin a job that came before.
func WorkerMayPublish() []string {
	return []string{
		"$JS.API.CONSUMER.MSG.NEXT." + jobsStream + "." + workConsumer,
		"$JS.ACK." + jobsStream + "." + workConsumer + ".>",
		resultSubjects + ".*.*",
		beginSubjects + ".*.*",
	}
}

// WorkerMaySubscribe are the subjects that a worker listens to: answers to itself and to other workers.
func WorkerMaySubscribe() []string { return []string{inboxes + ".>"} }

// ServerConfig is a configuration for nats-server with two users, by the public NKeys of the coordinators and of the
// workers. Address and storage are the operator's.
func ServerConfig(coordinator, worker string) string {
	list := func(all []string) string {
		var b strings.Builder
		for _, s := range all {
			fmt.Fprintf(&b, "          %q\n", s)
		}
		return b.String()
	}
	return fmt.Sprintf(`jetstream {
  store_dir: "./jetstream"
}
authorization {
  users: [
    { # coordinators, status, stop and export
      nkey: %s
      permissions { publish: ">", subscribe: ">" }
    }
    { # workers
      nkey: %s
      permissions {
        publish: [
%s        ]
        subscribe: [
%s        ]
      }
    }
  ]
}
`, coordinator, worker, list(WorkerMayPublish()), list(WorkerMaySubscribe()))
}
