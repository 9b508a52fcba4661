// Package drive is ambient.
package drive
