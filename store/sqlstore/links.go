package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	insertLink = `{with issuer:text subject:text person:text}
		INSERT INTO user_links (issuer, subject, user_id) SELECT issuer, subject, person FROM s WHERE true
		ON CONFLICT DO NOTHING RETURNING user_id`
	userByLink = `{with issuer:text subject:text}
		SELECT ` + userColumns + ` FROM s JOIN user_links l ON l.issuer = s.issuer AND l.subject = s.subject
		JOIN users u ON u.id = l.user_id`
)

// LinkUser keeps that a subject of an issuer is a user.
func (s *Store) LinkUser(ctx context.Context, issuer, subject string, user auth.UserID, entries ...auth.Entry) error {
	made := query(insertLink, [][]any{{issuer, subject, string(user)}})
	return s.change(ctx, changing{
		op: "link a user", session: s.identity, calls: []*call{made}, entries: entries,
		judge: present(made, func() error {
			return flowforge.Errorf(flowforge.CodeConflict, "this account elsewhere is linked already")
		}),
	})
}

// UserByLink finds the user of a subject.
func (s *Store) UserByLink(ctx context.Context, issuer, subject string) (auth.User, error) {
	return s.user(ctx, query(userByLink, [][]any{{issuer, subject}}))
}
