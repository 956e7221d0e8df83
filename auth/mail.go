package auth

import (
	"context"
	"time"
)

// A Mailer sends mail to people. It may be called from many goroutines.
type Mailer interface {
	Send(ctx context.Context, mail Mail) error
}

// A Mail is what a person is told. What it looks like is the Mailer's.
type Mail struct {
	Kind      MailKind
	To        string    // the address
	Name      string    // theirs, where it is known
	Workspace string    // its name, in an invitation
	From      string    // the name of who invites
	Link      string    // what they are to open; a secret. "": there is nothing to open
	ExpiresAt time.Time // of the link
}

// A MailKind says why a mail is sent.
type MailKind string

// The kinds of mails.
const (
	MailVerify     MailKind = "verify"      // open the link: then we know that the address is yours
	MailReset      MailKind = "reset"       // open the link to choose a password
	MailInvite     MailKind = "invite"      // open the link to become a member
	MailRegistered MailKind = "registered"  // someone wanted to register with this address, which is registered
	MailChanged    MailKind = "new_secrets" // the password or the second factor was changed
)
