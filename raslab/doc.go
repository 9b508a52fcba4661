// Package raslab is a storage facility with encrypting drives, in virtual time: enclosures of
// drives, array sites, RAID ranks in encryption groups, two partitions, the customer's key servers,
// service actions, the hourly health check, and the serviceable events that come of all this.
//
// [New] builds a [Lab], which lives in one goroutine. Its methods are of these kinds:
//
//   - What people and software ask of a facility: [Lab.CreateArray], [Lab.CreateRank],
//     [Lab.RemoveRank], [Lab.StartRepair] with [Lab.ExchangeFRU] and [Lab.ResumeRepair],
//     [Lab.SmartRebuild], [Lab.InstallMES], [Lab.PowerCycle], [Lab.DualClusterIML],
//     [Lab.Discontinue], [Lab.EraseDrive], [Lab.MigrateToCloud] and others. Each returns a
//     [Report]. A request that makes no sense is refused with a [*RequestError] and changes
//     nothing. An action that ran and missed its aim returns a Report with Failed set.
//   - What hands, fuses and age do to the hardware, without a word to the software: [Lab.Arm] for
//     a fault plan, [Lab.Break], [Lab.CutPower], [Lab.Pull], [Lab.SetLink], [Lab.PowerConsole],
//     [Lab.DamageRepository], [Lab.ArmMemory], and through [Lab.Customer] the methods of package
//     customer.
//   - What comes into a slot: drives that [Shelf.Order] makes, and with [Shelf.Add] any [Drive], of
//     whatever make. What only some drives have ([Resetter], [KeyMapper], [Injectable]) is looked
//     for where it is used.
//   - What can be seen: Drives, Ranks, [Lab.Groups], [Lab.KeyManagers], [Lab.CloudObjects], Events,
//     [Lab.Trace].
//
// Hosts read and write through [Rank]. Time passes only in [Lab.Advance], in [Lab.RunUntil], and
// during an IML. The Example builds a facility, breaks a drive and repairs it.
//
// # How a service reference code comes about
//
// Nothing in this package raises a code because it is told to. A fault is put below a port, a
// flash, a medium or a key server. The software meets it in an I/O, a service action or the hourly
// check, and what it finds there is the cause of the code:
//
//	BE3400B3  health.go        a member of a rank is not as its rank requires
//	BE34009E  erasing.go       an erase engine's verification did not pass
//	BE34009F  discontinue.go   the scan met drives that are not proved to be erased
//	BE31F004  repair.go        a replacement did not come into its group
//	BE3400A2  smartrebuild.go  a spare could not be initialised: the group has no key
//	BE3400A3  erasing.go       a drive arrived that somebody else's group owns
//	BE14CFF5  certify.go       no valid certificate, or a drive that cannot encrypt
//	BE14xxxx  keycodes.go      what the requests for keys met on their way
//	BE14CFE5, BE14E3F7, BE31CFE8  repository.go  copies of the key repository, and what is in them
//	BE316023  softwareerror.go an invariant of the software that does not hold
//
// # The way to a key
//
// A partition sends a key command over a link to one of two management consoles, and the console
// connects to the key server: over the simulated network of this package, with real certificates on
// the virtual clock, or to the server that Options.Dial gives. Two key protocols are spoken:
//
//   - KMIP: the server holds the data key and gives it. The bytes of package kmip travel both ways.
//   - IPP: the bytes of package ipp do. The facility holds the data key in its key
//     repository, wrapped by the server's key pairs.
//
// Every request for a key, simulated or real, goes through keyPath (keypath.go):
//
//   - at a dual cluster IML;
//   - in the periodic key retrieval;
//   - in the connectivity query, twelve minutes after BE14E004, BE14E008, BE14E009 or a silent
//     server;
//   - in a test of access.
//
// A retrieval reads the group's record from the key repository, asks for the key, and checks the
// key against the record. Of several failures, the request that came furthest decides the code:
//
//   - BE14E0xx, one for each reason, at an IML and for a partition that got no key at all;
//   - BE14EAxx for single servers in a periodic retrieval;
//   - above both an umbrella code (BE14CFE0, BE14CFEA).
//
// The customer's machines are on the other side of a wall (wall.go, package customer). Software
// sees them through customer.Network alone; Lab.Customer is for hands. No wire says where a key
// server keeps its storage: [Lab.AnswerAudit] enters what its administrator says, and [Lab.Audit]
// says what follows.
//
// # Objects in the cloud
//
// MigrateToCloud sends sectors of a rank to a cloud server through a key group of type TCT (package
// tct). The cloud server is the customer's, or the one that Options.Cloud gives. The receipts are
// one entry of the key repository; the consoles keep them too, as they keep the groups' records. A
// TCT group gets its key as any other group does, and raises the same codes at its own location.
// Without the key its objects cannot be read; ranks can.
//
// # Invariants
//
//   - The same Options and the same calls give the same Trace, byte for byte.
//   - A facility in which nothing is broken raises nothing, however long it runs.
//   - A host reads back what it wrote, or gets an error; never anything else. Each strip has a
//     check sum, so a member that answers noise without an error (it was erased behind the
//     facility's back) is found out.
//   - Customer data of an encrypted rank are written only to drives that are Configured in its
//     group.
//   - A drive that may hold the only copy of data is never erased or exchanged.
//   - A drive that is configured for somebody else is never erased.
//   - BE14CFE1 is reported only by partitions that have their keys again.
//   - A partition reboots by itself only after a key server was out of reach, while customer data
//     are inaccessible, and while no service action is in progress.
//   - A panic in a service action or in an event of the clock ends that action or event, and
//     nothing else.
//   - A drive leaves a rank through the erase engine and its forensic verification, never on its
//     own word.
//   - A drive that held data stays in the custody records until its erase was verified here or a
//     person answered for it. A certificate is issued only for the device that proves its identity.
//   - A sector is released to the cloud only after its object was read back and its receipt kept. A
//     recall that fails changes nothing.
//   - No secret is in a trace, report, error or event.
//
// # What is assumed
//
// The shapes are those of a DS8000-like facility. What IBM has not published is assumed.
//
// Hardware and service:
//
//   - names and location codes; sixteen slots an enclosure, two enclosures a DA pair;
//   - the first two arrays of a pair are 6+P+S; data are copied back to the repaired drive;
//   - the durations of IML and copies; quiesce takes five minutes, shutdown ten;
//   - three media errors predict a failure and ten are one;
//   - every hour some drives read their key records back, each drive at least once a week;
//   - a released member of an unencrypted rank is erased too;
//   - EraseMaster and SID of every drive stay at MSID;
//   - members that were away catch up within the time of an IML where data wait for them;
//   - an event whose cause holds can be closed by hand only with force;
//   - a plain drive is a breach wherever it is certified;
//   - records and the table of drives are worked on in the memory of partition 0;
//   - custody records are kept in three copies, apart from the keys.
//
// Keys:
//
//   - a periodic retrieval every eight hours;
//   - the partitions share a key that one of them got;
//   - the consoles are tried in the order of their numbers;
//   - a server is silent when one partition cannot communicate with it, whatever the other can;
//   - one certificate for the whole facility, valid for decades;
//   - each handshake checks whether the key server's certificate has expired;
//   - the key managers of a group speak one key protocol, and a configured group keeps it;
//   - the key pairs of the two labels are the same on all of the customer's servers;
//   - the location codes KS (key server), KG (key group) and SFI;
//   - the key repository in three copies, and the last good record at the consoles.
//
// The cloud:
//
//   - where receipts are kept, and that there are at most a thousand;
//   - a TCT group without its key keeps no partition from its data, and its key is asked for again
//     without a reboot.
//
// # Limitations
//
//   - Nothing breaks the media of the custody records.
//   - A drive file copied with its fuses proves the identity of the original. Two that are in slots
//     at once are reported; two that come one after the other are told apart by their media.
//   - A drive that cannot encrypt proves no identity; its record goes by the serial number.
//   - A power loss of the facility meets a drive of another make before a command, never between two
//     writes inside the drive.
//   - There is one RAID level (RAID 5), over strips of one sector. Ranks are thin: only rows that
//     were written are stored, rebuilt and copied.
//   - Writes are atomic and the facility's own tables survive a loss of power. ArmMemory can flip
//     bits in the tables and in what is worked on in memory; nothing else of the partitions breaks.
//   - Both partitions do everything together.
//   - An ordinary drive failure raises no code, for MAP4980 has none: it shows in the drive's state
//     and in the trace. Nor does a spare or an unassigned drive that is security degraded: it is
//     set aside, and the discontinue scan reports it.
//   - There is one cloud server, and no code for its failures: the request that fails says so.
//   - The group key of a TCT group cannot be exchanged; its data key can.
package raslab
