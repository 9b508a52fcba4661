// Package flash is the drive's non-volatile security area.
package flash
