// Package raslab is a storage facility with encrypting drives, in virtual time:
// enclosures of drives, array sites, RAID ranks in encryption groups, two
// partitions, the customer's key servers, service actions, the hourly health
// check, and the serviceable events that come of all this.
//
// A Lab is built by New and lives in one goroutine. Its methods are of three
// kinds:
//
//   - what people and software do to a facility: CreateArray, CreateRank,
//     RemoveRank, StartRepair with ExchangeFRU and ResumeRepair, SmartRebuild,
//     InstallMES, PowerCycle, DualClusterIML, Discontinue, EraseDrive, MigrateToCloud and so on.
//     Each returns a Report. A request that makes no sense is refused with a
//     *RequestError and changes nothing; an action that ran and did not
//     reach its aim returns a Report with Failed set;
//   - what hands, fuses and age do to the hardware, with no word to the
//     software: Arm a fault plan, Break, CutPower, Pull, SetLink,
//     PowerConsole, the methods of Customer (package customer), DamageRepository, ArmMemory;
//   - what can be seen: Drives, Ranks, Groups, KeyManagers, CloudObjects, Events, Trace.
//
// Hosts read and write through Rank. Time passes only in Advance and RunUntil, and for
// the length of an IML.
//
// # How a service reference code comes about
//
// Nothing in this package raises a code because it is told to. A fault is put below
// a port, a flash, a medium or a key server; the software meets it in an I/O, a
// service action or the hourly check, and what it then finds is the cause of the code:
//
//	BE3400B3  health.go        a member of a rank is not as its rank requires
//	BE34009E  erasing.go       an erase engine's verification did not pass
//	BE34009F  discontinue.go   the scan met drives that are not proved to be erased
//	BE31F004  repair.go        a replacement did not come into its group
//	BE3400A2  smartrebuild.go  a spare could not be initialised: the group has no key
//	BE3400A3  erasing.go       a drive arrived that somebody else's group owns
//	BE14CFF5  certify.go       no valid certificate, or a drive that cannot encrypt
//	BE14xxxx  keycodes.go        what the requests for keys met on their way
//	BE14CFE5, BE14E3F7, BE31CFE8  repository.go  copies of the key repository, and what is in them
//	BE316023  softwareerror.go an invariant of the software that does not hold
//
// # The way to a key
//
// A partition sends a key command over a link to a management console (either of
// two), and the console connects to the key server: over the simulated network of
// this package, with real certificates on the virtual clock, or to the server
// that Options.Dial gives. By KMIP a server gives a data key that it holds. By IPP
// the bytes of package ipp go to and fro, and the facility holds the data key, wrapped by
// the server's key pairs, in its key repository. keyPath is that way, and the only one. It is taken at a dual
// cluster IML, in the periodic key retrieval, in the connectivity query of twelve minutes that
// follows BE14E004, BE14E008, BE14E009 and a silent server, and in a test of access. A
// retrieval reads the record of the group from the key repository, asks, and holds the
// key against the record. The reason that came furthest decides the code: of an IML, and
// of a partition that got no key at all, one of BE14E0xx for each reason that was met; of single servers
// in a periodic retrieval, BE14EAxx; under both an umbrella.
//
// The customer's machines are on the other side of a wall (wall.go, package customer). Software sees
// them through customer.Network alone; Lab.Customer is for hands. Where a key server keeps its storage is
// told over no wire: AnswerAudit takes what its administrator says, and Audit what follows from it.
//
// # Objects in the cloud
//
// MigrateToCloud sends sectors of a rank to a cloud server through a key group of type TCT
// (package tct): that of the customer, or the server that Options.Cloud gives. The receipts are in one
// entry of the key repository, and at the consoles as the groups' records are. Such a group gets
// its key as any other and raises the same codes, at its own location; while it has none its objects
// cannot be read, ranks can.
//
// # Invariants
//
//   - The same Options and the same calls give the same Trace, byte for byte.
//   - A facility in which nothing is broken raises nothing, however long it runs.
//   - What a host wrote it reads back, or gets an error; never something else. A
//     member that answers noise without an error (it was erased behind the
//     facility's back) is found out by the check sum that each strip has.
//   - Customer data of an encrypted rank are written only to drives that are
//     Configured in its group.
//   - A drive that may hold the only copy of data is never erased or exchanged,
//     and a drive that is configured for somebody else is never erased at all.
//   - BE14CFE1 is reported by partitions that have their keys again, and by no other.
//   - A partition reboots by itself only after a key server was out of reach, while
//     customer data are inaccessible, and while no service action is in progress.
//   - A panic in a service action, or in what the clock brings, ends that and nothing else.
//   - A drive leaves a rank through the erase engine and its forensic
//     verification, never on its own word.
//   - A drive that held data stays in the custody records until its erase was verified here or a
//     person answered for it, and a certificate is about the device that proves to be the one.
//   - A sector is released to the cloud only after its object was read back and
//     its receipt kept; a recall that fails changes nothing.
//   - No secret is in a trace, report, error or event.
//
// # What is assumed
//
// The shapes are those of a DS8000-like facility; what IBM has not published is
// assumed: names and location codes; sixteen slots an enclosure, two enclosures
// a DA pair; the first two arrays of a pair 6+P+S; a copy back to the repaired
// drive; the durations of IML and copies; three media errors predict a failure and
// ten are one; every hour some drives read their key records back, each
// once a week at least; a released member of an unencrypted rank is erased
// too; an event cannot be closed by hand while its cause holds, unless it is
// forced; EraseMaster and SID of every drive stay at MSID; custody
// records in three copies, apart from the keys; members that were away catch up within the time of an IML where
// data wait for them. Of the key path: a periodic
// retrieval every eight hours; the partitions share a key that one of them got; the
// console tries are made in the order of their numbers; a server is silent when a partition
// cannot communicate with it, whatever the other does; one certificate for the whole facility, valid for
// decades; the expiry of a key server's certificate is looked at in each handshake; the
// key managers of a group speak one key protocol, and a configured group keeps it; the
// key pairs of two labels, the same on all of the customer's servers; the location codes KS (key server), KG (key group) and SFI; the key
// repository in three copies, and the last good record at the consoles; quiesce and
// shutdown take five and ten minutes; a plain drive is a breach wherever it is certified;
// records and the table of drives are worked on in the memory of partition 0. Of the
// cloud: where receipts are kept, and a thousand of them; that a group of type TCT without its key
// keeps no partition from its data, and is asked for again without a reboot.
//
// # Limitations
//
// Nothing breaks the media of the custody records. A drive file that is copied with its fuses proves
// the identity of the first: two that are in slots at once are reported, one after the other are told apart by what
// is on their media. A drive that cannot encrypt proves no identity; its record goes by the serial number.
// One RAID level (RAID 5) over strips of one sector. Ranks are thin: only rows that were
// written are stored, rebuilt and copied. A write is as good as atomic: the
// facility's own tables survive a loss of power: RAM (ArmMemory) can flip bits of them, and of
// what is worked on there, and nothing else of the partitions breaks. Both partitions do everything
// together. An ordinary drive failure has no code here: MAP4980 has none for it;
// it shows in the drive's state and in the trace. Nor has a spare or an unassigned
// drive that is security degraded: it is set aside, and the discontinue scan reports it. There is one
// cloud server, and no code for what is wrong with it: a request says so. The group key of
// a group of type TCT cannot be exchanged; its data key can.
package raslab
