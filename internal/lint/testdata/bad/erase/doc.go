// Package erase imports its neighbour, and its test what is above.
package erase

import _ "bad.example/encgroup"
