// Package drive is one self-encrypting drive.
package drive
