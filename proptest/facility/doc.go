// Package facility tests a whole storage facility by properties: random service
// actions, host I/O, drive commands by outsiders, broken hardware, a broken way to the
// keys and the passing of time, against a model that is deliberately dumb.
//
// A Machine is a raslab.Lab and the model of it; its Actions plug into rapid's
// Repeat. Actions break nothing, KeyActions the way to the keys, NoisyActions that and single
// requests by fault plans, FaultActions drives, AllActions everything.
//
// # A property of one's own
//
// The example of NewMachine is a whole one. Must does a step, Usage lists the steps. A
// check of this package that fails prints the seed, the fault plans, the end of the trace and a
// line that replays the run. For that of an assertion of one's own write
//
//	m.Check(t, ok, "group %d is %s", g.ID, g.State)
//
// where one would write require.True, or return m.Fail("...") where there is no t: the line is
// then a call of Replay with the Script, which gives the facility back as it was at that moment.
// A step with a mistake in it is an error too, and nothing is done.
//
// # Invariants that are checked after every step
//
//   - The model and the facility agree on arrays, ranks and what they hold: what a
//     host wrote it reads back, or gets an error that says why not.
//
//   - In a facility in which nothing was broken every action reaches its aim, and
//     nothing is reported.
//
//   - An SRC of a drive has a cause in the fault history, of the kind that its row in
//     the catalogue names, in those very drives.
//
//   - Every cause that must be reported was: a member of an encrypted rank that is
//     not as its rank requires, after a health check; a drive that should have been
//     erased and was not, at once.
//
//   - A drive that left an encrypted rank and is called erased opens nothing that it
//     held: it does not read so, and a forensic search with every secret that ever
//     was finds no key.
//
//   - Of a drive that the discontinue scan passes nobody reads what a host or an outsider ever
//     wrote, and it is the drives with a certificate that say so. Every drive on which somebody
//     may read it is in the scan, or in the custody records.
//
// # The way to the keys
//
// Of it the model knows each part: key servers, what they hold and their certificates,
// networks, consoles, links, partitions, key managers, copies of the key repository, the
// service action in progress, and when the facility asks for keys. From that it foretells
// what each request for a key meets, and so what follows; the files that do it
// (keyworld.go, keypairs.go, keytime.go) are written from the table of MAP4980 and import
// nothing of the project.
//
//   - An SRC BE14xxxx comes if and only if its cause held at that moment, for the
//     partitions and key servers that met it: at an IML, in a periodic retrieval, in a query
//     for connectivity, after four hours of silence. The facility reboots by itself if and only if
//     the model does, at the same second.
//   - After a power-off no host reads or writes an encrypted rank before a server has
//     given its group's key to a partition.
//   - A data key is acknowledged if and only if its maker and another server show
//     it; with KMIP it is then in the stores of two. No server holds a key that it was not given.
//   - BE14CFE1 closes itself and the open BE14E0xx of the partitions, and nothing
//     else closes by itself.
//   - Closing by hand is refused while the cause holds or nobody can look, and taken
//     when it is gone.
//   - A request about keys is refused if and only if the model has a reason.
//
// # Limitations
//
// The model does not foresee which action with a drive is refused in a broken facility, only
// that a refusal is a *raslab.RequestError. Steps are not the command language
// of the console: they are shorter and are made by machines for machines.
//
// Where a fault plan is armed on a network, a link or the memory of the partitions,
// the model says what may be and what cannot: an SRC then comes only if its cause may
// have held, and a group is accessible only if a server may have given its key. That it comes if
// the cause held is checked again after the step "calm", which mends everything. The same goes for the
// key repository while drives that are broken may write to copies that were damaged.
//
// Of IPP the model has which key managers and groups speak it, with TLS or without; that a server
// keeps no data key, and opens one with either of its two key pairs; that a pair is lost, damaged
// or restored; and which server makes a key, for which public halves do. Of the wrapped
// data keys it knows only that they are damaged and mended with the copies of the key repository. It has no
// labels of one's own, no key pairs that are made later, and no view of the messages.
//
// Not in the model: key servers that keep their storage on ranks or have bad memory, recovery
// keys, real sockets, severe software errors. That a smart rebuild has ended, and what
// copies of the repository are like after records were written over damage, it is told.
package facility
