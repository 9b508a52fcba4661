// Package facility tests a whole storage facility by properties. Random service actions, host I/O,
// commands of outsiders, broken hardware, a broken way to the keys and time that passes run against
// a model that is deliberately dumb.
//
// NewMachine makes a raslab.Lab and the model of it. The Actions of a Machine plug into rapid's
// Repeat:
//
//   - Actions break nothing,
//   - KeyActions break the way to the keys,
//   - KeyPlanActions do that, and single requests by fault plans,
//   - FaultActions break drives,
//   - AllActions do all of it.
//
// # A property of one's own
//
// The example of NewMachine is a whole one. Must does a step, Usage lists the steps. A check of
// this package that fails prints the seed, the fault plans, the end of the trace and a line that
// replays the run. For an assertion of one's own write
//
//	m.Check(t, ok, "group %d is %s", g.ID, g.State)
//
// in place of require.True, or return m.Fail("...") where there is no t. The line is then a call of
// Replay with the Script, which gives the facility back as it was at that moment. A step with a
// mistake in it is an error too, and nothing is done.
//
// # Invariants that are checked after every step
//
//   - The model and the facility agree on arrays, ranks and what they hold: a host reads what it
//     wrote, or gets an error that says why not.
//
//   - In a facility in which nothing was broken every service action succeeds, and no event is
//     raised.
//
//   - An SRC of a drive has a cause in the fault history, of a kind that fits the SRC, in those
//     very drives.
//
//   - Every fault that must be reported was: a member of an encrypted rank that is not as its rank
//     requires, after a health check; a drive that should have been erased and was not, at once.
//
//   - A drive that left an encrypted rank and is reported as erased gives nothing that it held. It
//     does not read as its old data, and a forensic search with every secret of the group finds no
//     key.
//
//   - A thief who has a whole drive, and no credential, never finds a key for what it held as a
//     member of an encrypted rank.
//
//   - Nobody reads data of a host or an outsider on a drive that the discontinue scan passed, and
//     exactly these drives have a certificate. Every drive on which somebody can read data is in
//     the scan or in the custody records.
//
// # The way to the keys
//
// The model has key servers with their keys and certificates, networks, consoles, links,
// partitions, key managers, the service action in progress, and when the facility asks for keys.
// From that it computes what each request for a key meets, and so what must follow. Its files
// (keymodel.go, keyrequest.go, keypairs.go, keyretrieval.go) are written from the table of MAP4980
// and import nothing of the project.
//
//   - An SRC BE14xxxx comes if and only if its cause held at that moment, for the partitions and
//     key servers that met it: at an IML, in a periodic retrieval, in a query for connectivity,
//     after four hours of silence.
//   - The facility reboots by itself if and only if the model does, at the same second.
//   - After a loss of power no host reads or writes an encrypted rank before a key server has given
//     its group's key to a partition.
//   - A data key is acknowledged if and only if its maker and another key server show it. No key
//     server holds a key that it was not given.
//   - BE14CFE1 closes itself and the open BE14E0xx of its partitions whose cause is gone. Nothing
//     else closes by itself.
//   - Closing by hand is refused while the cause holds or nobody can look, and accepted when it is
//     gone.
//   - A request about keys is refused if and only if the model has a reason.
//
// # What the model takes over from the facility
//
//   - Whether a smart rebuild has ended, what the copies of the key repository are like, and which
//     key server a record names as the maker of a data key.
//   - Everything about the way to the keys while it is in doubt: a fault plan is armed on a
//     network, a link or the memory of the partitions; drives may write to a damaged copy of the
//     repository; or all copies were damaged. The model then checks only what no fault plan
//     excuses: a group is accessible after an IML if its key came even though every plan fired, and
//     is not if no server had it; nothing but BE14CFE1 closes by itself; the key servers hold what
//     they were given. The step mend-all ends the doubt.
//
// # Mutants
//
// Nineteen defects of the way to the keys stand in package mutants (keypath.go). A story of
// TestKeyStories catches each of them.
//
// # Limitations
//
// The model does not know which action with a drive is refused in a broken facility, only that a
// refusal is a *raslab.RequestError. Steps are not the command language of the console: they are
// shorter, and are written by programs for programs.
//
// Of IPP the model knows which key managers and groups use it, with TLS or without; that a key
// server keeps no data key, and opens one with either of its two key pairs; that a key pair is
// lost, damaged or restored; and which key server makes a key, since that takes only the public
// halves. It has no other labels, no key pairs that are made later, and no view of the messages.
//
// Not in the model: key servers that keep their storage on ranks or have bad memory, recovery keys,
// real sockets, severe software errors.
package facility
