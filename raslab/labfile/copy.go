package labfile

import (
	"errors"
	"fmt"
)

// Copy makes a lab in the new directory to, of the first entries of the lab in dir; 0 are all. It gives how many
// there are. Of a lab whose journal is torn or altered it takes those before, but not all.
func Copy(dir, to string, entries int) (int, error) {
	all, err := Read(dir)
	var wrong *JournalError
	switch {
	case errors.As(err, &wrong) && entries > 0 && entries <= len(all):
	case err != nil:
		return 0, err
	}
	if entries < 0 || entries > len(all) {
		return 0, fmt.Errorf("lab %s: it has no entry %d: its entries are 1 to %d", dir, entries, len(all))
	}
	if entries > 0 {
		all = all[:entries]
	}
	return len(all), create(to, all)
}
