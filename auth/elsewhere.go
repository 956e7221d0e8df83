package auth

import "context"

// Elsewhere is who another system says somebody is, by OpenID Connect.
type Elsewhere struct {
	Issuer   string // of the other system
	Subject  string // the person there, for ever
	Email    string // as it is given; may be ""
	Verified bool   // the other system says that the address is theirs
	Name     string // for people to read; may be ""
}

// Links keeps who of another system is which user here.
type Links interface {
	// LinkUser keeps that a subject of an issuer is a user. A subject that is linked is flowforge.CodeConflict.
	LinkUser(ctx context.Context, issuer, subject string, user UserID, entries ...Entry) error
	// UserByLink finds the user of a subject, or answers flowforge.CodeNotFound.
	UserByLink(ctx context.Context, issuer, subject string) (User, error)
}
