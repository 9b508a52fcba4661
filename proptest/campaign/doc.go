// Package campaign is what a campaign runs and what it finds: a plan in one file, the jobs that it is cut into, the
// result of each job, and the report that the results are merged into. It opens no socket and knows no clock: package
// serve/campaign carries jobs and results between machines.
//
//   - [Parse] reads a plan, [Plan.Job] cuts it: job n is the same whoever asks.
//   - [Job.Run] has a job. Its result follows from the job alone.
//   - [Report.Add] merges results. They are added in the order of their jobs, so that the report is the same whoever
//     ran them, how often, and in what order they came.
//
// # What is judged, and by whom
//
// There is no judge here. A drive lifecycle is judged by [conformance.Soak], a facility's by
// [facility.Lifecycle], a sweep by [proptest.PlanSweep] and [powercut.PlanSweep], a program by [conformance.Judge], and a mutant
// has to fail the property of the suite that it breaks.
//
// # Limitations
//
//   - Mutants that are edits of the source need the go command and are left to make mutants; only those that are made
//     of a sound device are in a campaign.
//   - A result that somebody forged and that is of the right form counts. [Result.Check] sees to it that it breaks
//     nothing else.
package campaign
