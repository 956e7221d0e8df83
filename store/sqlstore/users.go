package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	userColumns = `u.id, u.kind, u.workspace, u.email, u.name, u.password, u.verified, u.disabled, u.admin, u.totp,
			u.totp_confirmed, u.totp_step, u.recovery, u.token_version, u.created_at, u.signed_in_at, u.revision`

	insertUser = `{with id:text kind:text workspace:text email:text name:text password:text verified:bigint disabled:bigint
		admin:bigint totp:bytea confirmed:bigint step:bigint recovery:text version:bigint created:bigint signed:bigint}
		INSERT INTO users (id, kind, workspace, email, name, password, verified, disabled, admin, totp, totp_confirmed,
			totp_step, recovery, token_version, created_at, signed_in_at, revision)
		SELECT id, kind, workspace, email, name, password, verified, disabled, admin, totp, confirmed, step, recovery, version,
			created, signed, 1 FROM s WHERE true ON CONFLICT DO NOTHING RETURNING id`
	updateUser = `{with id:text email:text name:text password:text verified:bigint disabled:bigint admin:bigint totp:bytea
		confirmed:bigint step:bigint recovery:text version:bigint signed:bigint revision:bigint}
		UPDATE users AS r SET email = s.email, name = s.name, password = s.password, verified = s.verified,
			disabled = s.disabled, admin = s.admin, totp = s.totp, totp_confirmed = s.confirmed, totp_step = s.step,
			recovery = s.recovery, token_version = s.version, signed_in_at = s.signed, revision = r.revision + 1
		FROM s WHERE r.id = s.id AND r.revision = s.revision
			AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email = s.email AND o.id <> s.id) RETURNING {r}id`
	selectUser  = `{with id:text} SELECT ` + userColumns + ` FROM s JOIN users u ON u.id = s.id`
	userByEmail = `{with email:text} SELECT ` + userColumns + ` FROM s JOIN users u ON u.email = s.email`
	listUsers   = `{with after:text most:bigint}
		SELECT ` + userColumns + ` FROM users u WHERE u.kind = 'person' AND u.id > (SELECT after FROM s)
		ORDER BY u.id LIMIT (SELECT most FROM s)`
)

func noUser() error { return flowforge.Errorf(flowforge.CodeNotFound, "there is no such user") }

// email is an address as it is kept; service accounts have none.
func email(address string) any {
	if address == "" {
		return nil
	}
	return address
}

// CreateUser keeps a user.
func (s *Store) CreateUser(ctx context.Context, u auth.User, member *auth.Member, entries ...auth.Entry) error {
	recovery, err := encode(u.Recovery)
	if err != nil {
		return err
	}
	made := query(insertUser, [][]any{{
		string(u.ID), string(u.Kind), string(u.Workspace), email(u.Email), u.Name, u.Password, number(u.Verified), number(u.Disabled),
		number(u.Admin), blob(u.TOTP), number(u.TOTPConfirmed), u.TOTPStep, recovery, u.TokenVersion, micros(u.CreatedAt), micros(u.SignedInAt),
	}})
	var members [][]any
	if member != nil {
		members = append(members, memberRow(*member))
	}
	joined := query(insertMember, members)
	return s.change(ctx, changing{
		op: "create a user", session: s.identity, calls: []*call{made, joined}, entries: entries,
		judge: func() error {
			if len(made.out) == 0 || len(joined.out) < len(members) {
				return flowforge.Errorf(flowforge.CodeConflict, "there is such a user")
			}
			return nil
		},
	})
}

// User finds a user.
func (s *Store) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	return s.user(ctx, query(selectUser, [][]any{{string(id)}}))
}

// UserByEmail finds a person.
func (s *Store) UserByEmail(ctx context.Context, address string) (auth.User, error) {
	return s.user(ctx, query(userByEmail, [][]any{{email(address)}}))
}

func (s *Store) user(ctx context.Context, found *call) (auth.User, error) {
	if err := s.look(ctx, "read a user", s.identity(), found); err != nil {
		return auth.User{}, err
	}
	if len(found.out) == 0 {
		return auth.User{}, noUser()
	}
	u, err := found.out[0].user()
	return u, s.failure(ctx, "read a user", err)
}

func (r *row) user() (auth.User, error) {
	u := auth.User{
		ID: auth.UserID(r.text()), Kind: auth.UserKind(r.text()), Workspace: flowforge.Workspace(r.text()),
		Email: r.text(), Name: r.text(), Password: r.text(), Verified: r.bool(), Disabled: r.bool(), Admin: r.bool(),
		TOTP: r.bytes(), TOTPConfirmed: r.bool(), TOTPStep: r.int(),
	}
	r.json(&u.Recovery)
	u.TokenVersion, u.CreatedAt, u.SignedInAt, u.Revision = r.int(), r.time(), r.time(), r.int()
	return u, r.err
}

// UpdateUser replaces a user of a revision.
func (s *Store) UpdateUser(ctx context.Context, u auth.User, entries ...auth.Entry) error {
	recovery, err := encode(u.Recovery)
	if err != nil {
		return err
	}
	done := query(updateUser, [][]any{{
		string(u.ID), email(u.Email), u.Name, u.Password, number(u.Verified), number(u.Disabled), number(u.Admin), blob(u.TOTP),
		number(u.TOTPConfirmed), u.TOTPStep, recovery, u.TokenVersion, micros(u.SignedInAt), u.Revision,
	}})
	return s.change(ctx, changing{
		op: "change a user", session: s.identity, calls: []*call{done}, entries: entries, judge: changed(done, "the user"),
	})
}

// changed judges a statement that changes what has a revision.
func changed(done *call, what string) func() error {
	return func() error {
		if len(done.out) == 0 {
			return flowforge.Errorf(flowforge.CodeConflict, "%s was changed by someone else: read it again", what)
		}
		return nil
	}
}

// ListUsers gives people in order of their IDs.
func (s *Store) ListUsers(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	found := query(listUsers, [][]any{{string(after), most(limit)}})
	if err := s.look(ctx, "list users", s.identity(), found); err != nil {
		return nil, err
	}
	return read(found, (*row).user, func(err error) error { return s.failure(ctx, "list users", err) })
}

// read reads all rows of a call.
func read[T any](found *call, one func(*row) (T, error), failed func(error) error) ([]T, error) {
	all := make([]T, 0, len(found.out))
	for i := range found.out {
		item, err := one(&found.out[i])
		if err != nil {
			return nil, failed(err)
		}
		all = append(all, item)
	}
	return all, nil
}
