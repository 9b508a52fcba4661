// Package raslab is a storage facility in virtual time.
package raslab
