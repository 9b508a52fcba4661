// Package transport is how security commands reach a device that speaks TCG Storage: two methods,
// and the errors with which a device refuses at its interface. A TPer in process is a [Transport], as
// is every other way to a device.
//
// # Limitations
//
//   - The statuses of SCSI and NVMe that the comments of [Error] name are from memory.
package transport
