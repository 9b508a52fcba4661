// Package labsql makes tables of what happened in a lab that is kept (package labfile), for SQL: [Write] makes a
// SQLite file, [Load] a database in memory, of which [DB.Query] asks. The schema is [Schema].
//
// # Invariants
//
//   - The tables come from playing the lab, and from nothing else; the lab is left as it is.
//   - A query reads: SQLite's authorizer lets nothing else through, no file of the host either.
//   - Times are virtual, in UTC, as text that SQLite's date functions take; a time that has not come is NULL.
//
// # Limitations
//
//   - Of a facility that lab new replaced by another of the same serial number only the log is left.
//   - Commands hold what was typed, and so every PIN and recovery key among it.
package labsql
