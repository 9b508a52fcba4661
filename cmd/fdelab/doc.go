// Command fdelab is the command line of the laboratory: it plays rehearsals, runs simulated
// facilities and key servers, explains service reference codes, and checks certificates. It holds
// no logic of its own: arguments in, text out.
//
//	fdelab src be34009e
//	fdelab states --format mermaid
//	fdelab certificate verify drive.cert --key operator.pem
//
// # Invariants
//
//   - Results go to standard output, everything else to standard error. The output rules are in
//     output.go.
//   - The exit code is 0 if the command was done, 1 if a rehearsal or a check found a failure, 2
//     for a wrong command line, 3 if the command cannot run here. fdelab soak has two more.
//
// # Limitations
//
//   - Messages are in English only.
//   - --json has no effect on --help and on completion scripts; help --json describes the commands.
package main
