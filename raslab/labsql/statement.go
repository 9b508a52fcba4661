package labsql

import "strings"

// oneStatement says whether a text of SQL has nothing behind its first statement but comments, spaces and semicolons. The
// driver runs all statements that a text has, and answers with the last.
func oneStatement(query string) bool {
	begun, over := false, false
	for rest := query; rest != ""; {
		n := token(rest)
		text := rest[:n]
		rest = rest[n:]
		switch {
		case strings.TrimSpace(text) == "" || strings.HasPrefix(text, "--") || strings.HasPrefix(text, "/*"):
		case text == ";":
			over = begun
		case over:
			return false
		default:
			begun = true
		}
	}
	return true
}

// token is how many bytes the first comment, quoted text or character of some SQL has. What has no end goes to the end.
// Source: SQLite's "SQL Comment Syntax" and "SQLite Keywords", which has the quotes.
func token(sql string) int {
	switch begin := sql[0]; {
	case strings.HasPrefix(sql, "--"):
		return upTo(sql, 2, "\n")
	case strings.HasPrefix(sql, "/*"):
		return upTo(sql, 2, "*/")
	case begin == '\'' || begin == '"' || begin == '`': // a doubled one within is two texts side by side
		return upTo(sql, 1, string(begin))
	case begin == '[':
		return upTo(sql, 1, "]")
	}
	return 1
}

// upTo is how many bytes of sql there are up to the end of the first end that begins from byte from on.
func upTo(sql string, from int, end string) int {
	if i := strings.Index(sql[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(sql)
}
