package campaign

import (
	"fmt"
	"slices"
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

// ProgramsMayPublish is what a worker that runs programs publishes to beside that: it asks for their jobs, says that it has
// them, and reads the objects that their files are. It writes none.
func ProgramsMayPublish() []string {
	return []string{
		"$JS.API.CONSUMER.MSG.NEXT." + jobsStream + "." + programConsumer,
		"$JS.ACK." + jobsStream + "." + programConsumer + ".>",
		getSubject,
	}
}

// WorkerMaySubscribe are the subjects that a worker listens to: answers to itself and to other workers.
func WorkerMaySubscribe() []string { return []string{inboxes + ".>"} }

// ServerConfig is a configuration for nats-server with its users, by the public NKeys of the coordinators, of the workers,
// and of the workers that run programs, if there are any. Address and storage are the operator's.
func ServerConfig(coordinator, worker, programs string) string {
	users := userConfig("coordinators, status, stop and export", coordinator, nil, nil)
	users += userConfig("workers", worker, WorkerMayPublish(), WorkerMaySubscribe())
	if programs != "" {
		users += userConfig("workers with --allow-programs", programs, slices.Concat(WorkerMayPublish(), ProgramsMayPublish()), WorkerMaySubscribe())
	}
	return fmt.Sprintf(`jetstream {
  store_dir: "./jetstream"
}
authorization {
  users: [
%s  ]
}
`, users)
}

// userConfig is one user; without subjects it may do anything.
func userConfig(who, nkey string, publish, subscribe []string) string {
	if publish == nil {
		return fmt.Sprintf(`    { # %s
      nkey: %s
      permissions { publish: ">", subscribe: ">" }
    }
`, who, nkey)
	}
	list := func(all []string) string {
		var b strings.Builder
		for _, s := range all {
			fmt.Fprintf(&b, "          %q\n", s)
		}
		return b.String()
	}
	return fmt.Sprintf(`    { # %s
      nkey: %s
      permissions {
        publish: [
%s        ]
        subscribe: [
%s        ]
      }
    }
`, who, nkey, list(publish), list(subscribe))
}
