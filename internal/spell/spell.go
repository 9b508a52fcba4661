package spell

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a duration for people: "20 days", "8 h", "1 h 30 min", "45 s". Parts of a second
// are left out, unless there is nothing else.
func Duration(d time.Duration) string {
	if d < 0 {
		return "-" + Duration(-d)
	}
	if d < time.Second {
		return d.String()
	}
	var parts []string
	if days := int64(d / (24 * time.Hour)); days == 1 {
		parts = append(parts, "1 day")
	} else if days > 1 {
		parts = append(parts, fmt.Sprintf("%d days", days))
	}
	for _, u := range []struct {
		n    time.Duration
		name string
	}{{d / time.Hour % 24, "h"}, {d / time.Minute % 60, "min"}, {d / time.Second % 60, "s"}} {
		if u.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", u.n, u.name))
		}
	}
	return strings.Join(parts, " ")
}
