package ledger

import "slices"

// Role is what somebody may do with the books.
type Role string

// The roles, each of which may do what those before it may.
const (
	ReaderRole Role = "reader" // sees
	EditorRole Role = "editor" // declares
	AdminRole  Role = "admin"  // says who else may what
)

// Roles are all roles, the least first.
func Roles() []Role { return []Role{ReaderRole, EditorRole, AdminRole} }

// AtLeast tells whether r may all that other may. An unknown role may nothing.
func (r Role) AtLeast(other Role) bool {
	has, wants := slices.Index(Roles(), r), slices.Index(Roles(), other)
	return has >= 0 && wants >= 0 && has >= wants
}
