package labsql

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOneStatementAtATime: a semicolon in a text, a name or a comment ends nothing, and what does nothing may follow.
func TestOneStatementAtATime(t *testing.T) {
	one := []string{
		"SELECT 1", "SELECT 1;", "; SELECT 1 ;; ", "SELECT 1; -- SELECT 2", "SELECT 1; /* SELECT 2; */ ;\n", "SELECT ';', 'it''s; ', \"a;\", [b;], `c;` FROM d",
		"-- ;\nSELECT 1", "/* ; ' */ SELECT 1", "SELECT 4 - -2 / 1", "SELECT 1; /* no end", "SELECT 'no end; SELECT 2", "", ";",
	}
	several := []string{
		"SELECT 1; SELECT 2", "SELECT 1;SELECT 2;", "SELECT 1; -- x\nSELECT 2", "SELECT 1 /* ; */; SELECT 2", "SELECT ''';'; SELECT 2", "SELECT 1; x", "SELECT 1; 'x'",
		"SELECT '--'; SELECT 2", "SELECT \"/*\"; SELECT 2",
	}
	for _, q := range one {
		require.True(t, oneStatement(q), q)
	}
	for _, q := range several {
		require.False(t, oneStatement(q), q)
	}
}
