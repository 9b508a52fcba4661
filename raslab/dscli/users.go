package dscli

import (
	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
)

// Users are who may use DSCLI here, with their roles. The lab has no passwords (assumption).
var users = []reckey.User{
	{Name: "admin", Role: reckey.StorageAdministrator},
	{Name: "secadmin", Role: reckey.SecurityAdministrator},
}

// Users lists the names of the users; the first is the default.
func Users() []string {
	out := make([]string, len(users))
	for i, u := range users {
		out[i] = u.Name
	}
	return out
}

func userNamed(name string) (reckey.User, bool) {
	for _, u := range users {
		if u.Name == name {
			return u, true
		}
	}
	return reckey.User{}, false
}

// groupOf is DSCLI's name of the group that has a role.
func groupOf(u reckey.User) string {
	if u.Role == reckey.SecurityAdministrator {
		return "secadmin"
	}
	return "admin"
}
