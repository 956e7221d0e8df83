package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	dataKeyColumns = `d.workspace, d.number, d.root, d.sealed, d.created_at`

	insertDataKey = `{with workspace:text number:bigint root:text sealed:bytea created:bigint}
		INSERT INTO data_keys (workspace, number, root, sealed, created_at) SELECT workspace, number, root, sealed, created FROM s
		WHERE true ON CONFLICT DO NOTHING RETURNING number`
	selectDataKeys = `{with workspace:text}
		SELECT ` + dataKeyColumns + ` FROM s JOIN data_keys d ON d.workspace = s.workspace ORDER BY d.number`
	rewrapDataKey = `{with workspace:text number:bigint root:text sealed:bytea was:text}
		UPDATE data_keys AS r SET root = s.root, sealed = s.sealed FROM s
		WHERE r.workspace = s.workspace AND r.number = s.number AND r.root = s.was RETURNING {r}number`
	dataKeysNotUnder = `{with root:text most:bigint}
		SELECT ` + dataKeyColumns + ` FROM s JOIN data_keys d ON d.root <> s.root
		ORDER BY d.workspace, d.number LIMIT (SELECT most FROM s)`
	credentialsBefore = `{with workspace:text number:bigint most:bigint}
		SELECT ` + credentialColumns + `, c.sealed FROM s JOIN credentials c ON c.workspace = s.workspace AND c.data_key < s.number
		ORDER BY c.id LIMIT (SELECT most FROM s)`
	resealCredential = `{with workspace:text id:text revision:bigint number:bigint sealed:bytea was:bigint}
		UPDATE credentials AS r SET data_key = s.number, sealed = s.sealed FROM s
		WHERE r.workspace = s.workspace AND r.id = s.id AND r.revision = s.revision AND r.data_key = s.was RETURNING {r}id`
)

func (r *row) dataKey() (auth.DataKey, error) {
	return auth.DataKey{
		Workspace: flowforge.Workspace(r.text()), Number: r.int(), Root: r.text(), Sealed: r.bytes(), CreatedAt: r.time(),
	}, r.err
}

// DataKeys gives the keys of a workspace, by number.
func (s *Store) DataKeys(ctx context.Context, workspace flowforge.Workspace) ([]auth.DataKey, error) {
	found := query(selectDataKeys, [][]any{{string(workspace)}})
	if err := s.look(ctx, "read data keys", s.owned(workspace), found); err != nil {
		return nil, err
	}
	return read(found, (*row).dataKey, func(err error) error { return s.failure(ctx, "read data keys", err) })
}

// CreateDataKey keeps a new key.
func (s *Store) CreateDataKey(ctx context.Context, key auth.DataKey, entries ...auth.Entry) error {
	made := query(insertDataKey, [][]any{{string(key.Workspace), key.Number, key.Root, key.Sealed, micros(key.CreatedAt)}})
	return s.change(ctx, changing{
		op: "create a data key", session: func() *session { return s.owned(key.Workspace) }, calls: []*call{made},
		entries: entries, judge: changed(made, "the set of data keys"),
	})
}

// RewrapDataKey replaces the seal of a key.
func (s *Store) RewrapDataKey(ctx context.Context, key auth.DataKey, from string) (bool, error) {
	done := query(rewrapDataKey, [][]any{{string(key.Workspace), key.Number, key.Root, key.Sealed, from}})
	err := s.change(ctx, changing{op: "seal a data key", session: s.identity, calls: []*call{done}})
	return len(done.out) > 0, err
}

// DataKeysNotUnder gives keys that are sealed with another root key.
func (s *Store) DataKeysNotUnder(ctx context.Context, root string, limit int) ([]auth.DataKey, error) {
	found := query(dataKeysNotUnder, [][]any{{root, most(limit)}})
	if err := s.look(ctx, "read data keys", s.identity(), found); err != nil {
		return nil, err
	}
	return read(found, (*row).dataKey, func(err error) error { return s.failure(ctx, "read data keys", err) })
}

// CredentialsBefore gives credentials that are sealed with older data keys.
func (s *Store) CredentialsBefore(
	ctx context.Context, workspace flowforge.Workspace, number int64, limit int,
) ([]auth.Credential, error) {
	found := query(credentialsBefore, [][]any{{string(workspace), number, most(limit)}})
	if err := s.look(ctx, "read credentials", s.owned(workspace), found); err != nil {
		return nil, err
	}
	return read(found, (*row).credential, func(err error) error { return s.failure(ctx, "read credentials", err) })
}

// ResealCredential replaces the seal of a credential.
func (s *Store) ResealCredential(ctx context.Context, c auth.Credential, from int64) (bool, error) {
	done := query(resealCredential, [][]any{{string(c.Workspace), string(c.ID), c.Revision, c.DataKey, c.Sealed, from}})
	err := s.change(ctx, changing{
		op: "seal a credential", session: func() *session { return s.owned(c.Workspace) }, calls: []*call{done},
	})
	return len(done.out) > 0, err
}
