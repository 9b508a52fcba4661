// Package dscli is the storage administrator's command line to a facility of package raslab, after
// IBM's DSCLI: the commands for keys, arrays, ranks, drives and serviceable events, with their
// layouts, questions, messages and exit codes.
//
//	dscli> managekeygrp -action testaccess 1
//	Date/Time: January 5, 2026 8:00:00 AM UTC IBM DSCLI Version: devel DS: IBM.2107-75NR641
//	CMUC00480W managekeygrp: Are you sure that you want to initiate a key retrieval for key group 1? [y/n]: y
//	CMUC00481I managekeygrp: The Test Access action is submitted for key server encryption group 1.
//
// [NewSession] starts a session on the facility that its caller holds. [Session.Run] runs a line
// and [Session.Script] a script. A line that begins with ! goes to the laboratory's command
// language. Parsing, abbreviation, help and completion are derived from one table of commands
// ([Commands]).
//
// A command goes through a management console, as everything from outside does. When no console is
// on, answers in time and reaches a partition, the exit code is 3.
//
// # What is IBM's, and what is assumed
//
// From IBM's MAP4980:
//
//   - the form of the banner (its version is that of fdelab);
//   - the layouts of lskeymgr, showkeymgr, showkeygrp and showkeygrp -access;
//   - the dialogue of managekeygrp.
//
// From IBM's published examples:
//
//   - the columns of lsddm, lsarraysite, lsarray and lsrank;
//   - the exit codes;
//   - the messages marked FromGuides or FromMemory.
//
// Assumptions:
//
//   - the columns of lssi, showsi, lssu, lsserver, lsextpool, lsuser and ver (after IBM's published
//     examples, from memory), and those of lskeygrp and lsserviceableevents;
//   - what -l adds, and which columns stand at the right edge;
//   - the element names of XML, and the form of stanza lists;
//   - the world wide node names;
//   - all other messages, whose numbers begin at CMUC90000;
//   - that names may be cut short;
//   - the action rekeyall;
//   - that error messages go to the error stream, and that a script ends at its first error.
//
// # Invariants
//
//   - A line that is not understood changes nothing and gives one line of error.
//   - All objects are looked up before the first is changed.
//   - A question that nobody answers is answered with no.
//   - The same facility and the same lines print the same bytes. Every time shown is virtual.
//   - No output holds a key or a credential. The one exception is a recovery key that was just
//     drawn: it is shown once.
//
// # Limitations
//
//   - There are two users, one for each role that a recovery key needs, and no passwords.
//   - The lab has one RAID type and one storage type.
//   - A Session belongs to one goroutine.
package dscli
