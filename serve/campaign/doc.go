// Package campaign carries the jobs of a campaign to workers and their results back, over NATS JetStream: in the own
// process by default, over a server of its own for several machines. What the jobs are and what they find is package
// proptest/campaign's.
//
//   - [Open] starts the server of a directory, in this process.
//   - [Coordinate] puts the jobs of a plan on a server, two generations at a time, and merges the results in their order.
//   - [Work] fetches jobs, has them, and puts results.
//   - [Read] reads how far a campaign is, [Runs] says whether anybody coordinates it, and [Stop] has him end it.
//   - [Traces] has spans of all of it sent to an OpenTelemetry collector, where that is asked for.
//
// # Invariants
//
//   - A job is acknowledged after its result is stored, and a result after the report with it is. A worker, a
//     coordinator or a server that ends at any moment costs work, and no result.
//   - A result counts once: there is one subject for each, which takes one message, and results are merged in the
//     order of their jobs.
//   - A campaign begins once. Its folder has a mark, written after the first state is stored and before the first job is
//     put: where there is a mark, a job or a result, and no state, nothing begins.
//   - The report follows from the plan alone: not from the number of workers, their deaths, or the order of results.
//   - At most two generations of jobs are on their way, so that no stream grows with the campaign.
//
// # What kills its workers
//
// A job that comes a second time is had alone, and its worker first asks the coordinator. A job that two workers began
// alone and never ended, after a first one had not ended it in company, is set aside: that is a finding.
//
// # Programs of others
//
// A worker with [SentPrograms] runs what the coordinator of a job has put on the server: by its sum, within limits, in a
// folder that is removed, by the next such worker if its own was killed. A job of a program is on a subject that other
// workers do not ask. The process of such a worker calls [Launch] before anything else.
//
// # Limitations
//
//   - A worker is believed: one that is somebody's can say that nothing was found.
//   - The file store of NATS writes at once and syncs every two minutes. A process that ends at any moment loses
//     nothing; a machine that loses its power may lose the last two minutes of a campaign.
//   - A program is run by the user of its worker, and can do what that user can. Its limits and its folder are against
//     accidents.
//   - A job that does not end holds a processor of its worker until that ends.
package campaign
