// Package nvme is a drive as an NVM subsystem: commands in, completions out. It is NVMe Base 2.1 and the
// NVM Command Set 1.1 over package drive, and knows no transport.
//
//   - [NewSubsystem] makes the [Subsystem] of a drive and its TPer: one namespace with all sectors.
//   - [Subsystem.NewController] makes a [Controller] for a host. [Controller.SetProperty] enables it.
//   - [Controller.Admin] and [Controller.IO] do a command and give a [Result]. Completions that do not come
//     at once are had with [Controller.Events].
//   - [Subsystem.Work] does a piece of what a drive does without being asked, such as a sanitize operation.
//
// # Invariants
//
//   - A command that touches a locked sector ends at once with Access Denied, whatever its kind, and moves no
//     data. One that would need somebody's PIN to give data up (Format, Sanitize) is Operation Denied.
//   - A completion is given only for what happened: a drive that loses its power in a command gives none
//     (Result.Gone).
//   - No command makes it panic, or keep more than its own data.
//   - There is no goroutine, and no clock but Options.Now.
//
// # Limitations
//
//   - One namespace, one format of sectors, no metadata, no protection information, no reservations, no
//     firmware download. Features are not saved.
//   - A controller says that its subsystem has no other (CMIC 0) though it may: a Linux host would put its
//     multipath device in front of the disk, which does not pass the ioctls of sed-opal on.
//   - A controller reset (CC.EN) is no reset of the TPer; a reset of the subsystem is TCG's hardware reset. (SIIS was
//     not read; an assumption.)
//   - Counters of the SMART log begin when the subsystem is made, and the temperature stands still.
//   - Format erases the data whatever Secure Erase Settings says.
package nvme
