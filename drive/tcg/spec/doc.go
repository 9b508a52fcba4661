// Package spec has the names and numbers of TCG Storage that host and device share: UIDs of service
// providers, tables, objects and methods, status codes, ComIDs, level 0 discovery. It knows no drive
// and no session.
//
//   - [UID] is of a service provider, a table, an object or a method. The constants have the names of
//     the specifications; functions give those that are numbered, as [Band] and [BandMaster] do.
//   - [Status] is how a method ends.
//   - [Discovery] is level 0 discovery, read by [ParseDiscovery] and written by [Discovery.Append].
//     Each feature has a type of its own, such as [Locking].
//   - [Name] is what people call an object.
//   - [Columns] of a table by number and by name.
//
// Sources: TCG Storage Architecture Core Specification 2.01 ("Core"); SSC Opal 2.02 ("Opal"); SSC
// Enterprise 1.01 ("Enterprise"); feature sets PSID, Block SID Authentication. Where only host
// software shows a number, its docstring says so.
//
// # Limitations
//
//   - Of the features of level 0 discovery, those that no device here claims are kept as bytes.
package spec
