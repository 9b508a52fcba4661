package drive

// Long has one line of code more than the limit of the test.
func Long(n int) int {
	n++
	n++
	n++
	n++
	n++
	n++
	n++
	n++
	n++
	n++
	n++
	n++
	n++
	n++
	return n
}

// Cases is a table: its lines are data, and those of a string.
func Cases() []string {
	return []string{
		"a",
		"b",
		"c",
		"d",
		"e",
		"f",
		"g",
		"h",
		"i",
		"j",
		`k
		l
		m
		n`,
	}
}
