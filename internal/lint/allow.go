package lint

import "strings"

// Exception excuses what one rule finds in one place.
type Exception struct {
	Rule string
	File string // relative to the root of the module, with slashes
	In   string // the function, as in Finding; empty excuses the whole file
	Why  string
}

// exceptions are those of this module. Each says why the rule's purpose is
// kept all the same.
var exceptions = []Exception{
	{
		Rule: "goroutine", File: "erase/engine.go", In: "Engine.work",
		Why: "an engine may work on several drives at once; with a concurrency of 1 it starts none, and each drive has a journal entry and a result of its own",
	},
	{
		Rule: "goroutine", File: "encgroup/ipp/server.go", In: "Server.Serve",
		Why: "a network server talks with several facilities at once; a lab without sockets never starts one, and Close waits for all",
	},
	{
		Rule: "goroutine", File: "encgroup/kmip/server/server.go", In: "Server.accept",
		Why: "a network server has one for each connection; no lab runs it, and Close waits for the last",
	},
	{
		Rule: "goroutine", File: "encgroup/kmip/server/link.go", In: "Server.begin",
		Why: "a server of a pair has one that connects to its peer; no lab runs it, and Close waits for it",
	},
	{
		Rule: "goroutine", File: "encgroup/kmip/server/session.go", In: "session.run",
		Why: "a session reads from the peer while it waits for its clients; no lab runs it, and the session waits for it",
	},
	{
		Rule: "ambient", File: "encgroup/kmip/server/session.go", In: "session.carry",
		Why: "two servers send each other a message now and then, so that each notices when the other is gone",
	},
	{
		Rule: "map-order", File: "encgroup/kmip/server/server.go", In: "Server.Close",
		Why: "all connections are closed, in whatever order",
	},
	{
		Rule: "goroutine", File: "internal/nettest/nettest.go", In: "Serve",
		Why: "a server that a test plays; the test's end waits for it",
	},
	{
		Rule: "ambient", File: "encgroup/kmip/server/server.go", In: "Server.pause",
		Why: "when no connection can be accepted, for want of file descriptors, the server must not spin; nothing depends on how long it waits",
	},
}

// excuse drops the findings that an exception covers and reports the exceptions
// that cover none, or give no reason.
func excuse(found []Finding, allow []Exception) []Finding {
	used := make([]bool, len(allow))
	var left []Finding
	for _, f := range found {
		excused := false
		for i, e := range allow {
			if e.Rule == f.Rule && e.File == f.File && (e.In == "" || e.In == f.In) {
				used[i], excused = true, true
			}
		}
		if !excused {
			left = append(left, f)
		}
	}
	for i, e := range allow {
		place := strings.TrimSuffix(e.File+" "+e.In, " ")
		if !used[i] {
			left = append(left, Finding{File: e.File, Rule: "allow", Text: "the exception from " + e.Rule + " for " + place + " excuses nothing: remove it"})
		}
		if e.Why == "" {
			left = append(left, Finding{File: e.File, Rule: "allow", Text: "the exception from " + e.Rule + " for " + place + " has no reason"})
		}
	}
	return left
}
