package auth

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
)

// A User is a person, or a service account of a workspace: a name to which a role and API keys are given.
type User struct {
	ID        UserID
	Kind      UserKind
	Workspace flowforge.Workspace // of a service account; "" of a person
	Email     string              // as NormalizeEmail gives it; "" of a service account
	Name      string              // for people to read
	Password  string              // the hash, in the form of the PHC string format; "": none can be used
	Verified  bool                // the e-mail is theirs
	Disabled  bool                // may do nothing, sessions and keys included
	Admin     bool                // see Principal.Admin

	// The second factor (RFC 6238). Its secret is sealed before it comes here.
	TOTP          []byte   // nil: none
	TOTPConfirmed bool     // a code was given once: it is asked for from then on
	TOTPStep      int64    // the time step of the latest code that was accepted: none up to it is accepted again
	Recovery      [][]byte // hashes of the recovery codes that are left

	TokenVersion int64 // access tokens of another version are refused
	CreatedAt    time.Time
	SignedInAt   time.Time // zero: never
	Revision     int64     // counts changes, from 1
}

// A UserKind tells people from service accounts.
type UserKind string

// The kinds of users.
const (
	Person  UserKind = "person"
	Service UserKind = "service"
)

// Users keeps users. They belong to the installation, not to a workspace.
type Users interface {
	// CreateUser keeps a user, of revision 1, and makes them a member where one is given. An ID or an e-mail that is
	// there is flowforge.CodeConflict.
	CreateUser(ctx context.Context, user User, member *Member, entries ...Entry) error
	// User finds a user, or answers flowforge.CodeNotFound.
	User(ctx context.Context, id UserID) (User, error)
	// UserByEmail finds a person by a normalised e-mail.
	UserByEmail(ctx context.Context, email string) (User, error)
	// UpdateUser replaces a user who still has the given revision, which then counts one more; one that has changed
	// meanwhile is flowforge.CodeConflict. ID, Kind, Workspace and CreatedAt stay as they are.
	UpdateUser(ctx context.Context, user User, entries ...Entry) error
	// ListUsers gives people in order of their IDs, those after one.
	ListUsers(ctx context.Context, after UserID, limit int) ([]User, error)
}

const maxEmail = 254 // octets: RFC 5321, section 4.5.3.1.3, less the angle brackets

// plainEmail is what browsers take in <input type=email> (WHATWG HTML, section 4.10.5.1.5), in lower case, and with a dot
// in the domain. (net/mail would link the network into every program with an engine.)
var plainEmail = regexp.MustCompile("^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" +
	"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$")

// NormalizeEmail gives an e-mail address in the form in which it is kept and compared: without space around it, in lower
// case. What is no plain address is flowforge.CodeInvalidInput; the error does not repeat it.
func NormalizeEmail(email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if len(email) > maxEmail || !plainEmail.MatchString(email) {
		return "", flowforge.Errorf(flowforge.CodeInvalidInput, "this is no e-mail address: give one such as ada@example.com")
	}
	return email, nil
}

const maxName = 200 // runes

// CheckName refuses a name that people could not read: an empty or overlong one, and one with control characters.
func CheckName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return flowforge.Errorf(flowforge.CodeInvalidInput, "give a name")
	case !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName:
		return flowforge.Errorf(flowforge.CodeInvalidInput, "a name has at most %d characters, in UTF-8", maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return flowforge.Errorf(flowforge.CodeInvalidInput, "a name has no control characters")
	}
	return nil
}
