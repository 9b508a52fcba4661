// Package encgroup is an encryption group.
package encgroup
