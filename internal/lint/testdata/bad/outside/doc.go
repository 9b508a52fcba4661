// Package outside is in no room.
package outside
