package drive

// entries are of one line each.
var entries = []func(int) int{
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
	func(n int) int { return n },
}

// closures is a table in name only.
var closures = []func(int) int{
	func(n int) int {
		n++
		n++
		n++
		n++
		n++
		n++
		return n
	},
	func(n int) int {
		n++
		n++
		n++
		n++
		n++
		n++
		return n
	},
}

var _, _ = entries, closures
