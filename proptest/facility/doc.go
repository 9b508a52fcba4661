// Package facility tests a whole storage facility by properties: random service
// actions, host I/O, drive commands by outsiders, broken hardware, stopped key
// servers and the passing of time, against a model that is deliberately dumb.
//
// A Machine is a raslab.Lab and the model of it; its Actions plug into rapid's
// Repeat. A property test of one's own is the example of NewMachine.
//
// # Invariants that are checked after every step
//
//   - The model and the facility agree on arrays, ranks and what they hold: what a
//     host wrote it reads back, or gets an error that says why not.
//   - In a facility in which nothing was broken every action reaches its aim, and
//     nothing is reported.
//   - Every SRC has a cause in the fault history, of the kind that its row in the
//     catalogue names and, where it speaks of drives, in those very drives.
//   - Every cause that must be reported was: a member of an encrypted rank that is
//     not as its rank requires, after a health check; a drive that should have been
//     erased and was not, at once.
//   - A drive that left an encrypted rank and is called erased opens nothing that it
//     held: it does not read so, and a forensic search with every secret that ever
//     was finds no key.
//
// # Limitations
//
// The model does not foresee which action is refused in a broken facility, only
// that a refusal is a *raslab.RequestError. Steps are not the command language
// of the console: they are shorter and are made by machines for machines.
package facility
