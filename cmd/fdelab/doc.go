// Command fdelab is the command line of the laboratory: it plays rehearsals,
// explains service reference codes and shows what the drives do. It holds no
// logic of its own: arguments in, text out.
//
//	fdelab src be34009e
//	fdelab states --format mermaid
//	fdelab certificate verify drive.cert --key operator.pem
//
// # Invariants
//
//   - Results go to standard output, everything else to standard error; the
//     output rules are in output.go.
//   - The exit code is 0 when it was done, 1 when a rehearsal or a check found
//     a failure, 2 for a wrong command line, 3 when it cannot run here.
//
// # Limitations
//
//   - Messages are in English only.
//   - --json has no effect on --help and on completion scripts; help --json describes the commands.
package main
