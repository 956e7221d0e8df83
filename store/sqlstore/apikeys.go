package sqlstore

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	keyColumns = `k.id, k.workspace, k.user_id, k.created_by, k.name, k.hash, k.scopes, k.created_at, k.expires_at, k.used_at,
			k.revoked_at`

	insertKey = `{with id:text workspace:text person:text maker:text name:text hash:bytea scopes:text created:bigint expires:bigint}
		INSERT INTO api_keys (id, workspace, user_id, created_by, name, hash, scopes, created_at, expires_at)
		SELECT id, workspace, person, maker, name, hash, scopes, created, expires FROM s WHERE true
		ON CONFLICT DO NOTHING RETURNING id`
	selectKey = `{with id:text} SELECT ` + keyColumns + ` FROM s JOIN api_keys k ON k.id = s.id`
	listKeys  = `{with workspace:text person:text after:text most:bigint}
		SELECT ` + keyColumns + ` FROM s JOIN api_keys k ON k.workspace = s.workspace
		WHERE (s.person = '' OR k.user_id = s.person) AND k.id > s.after ORDER BY k.id LIMIT (SELECT most FROM s)`
	revokeKey = `{with workspace:text id:text at:bigint}
		UPDATE api_keys AS r SET revoked_at = coalesce(r.revoked_at, s.at) FROM s
		WHERE r.workspace = s.workspace AND r.id = s.id RETURNING {r}id`
	touchKey = `{with id:text at:bigint} UPDATE api_keys AS r SET used_at = s.at FROM s WHERE r.id = s.id`

	selectSigning = `SELECT g.revision, g.keys FROM signing_keys g`
	insertSigning = `{with keys:text}
		INSERT INTO signing_keys (id, revision, keys) SELECT 1, 1, keys FROM s WHERE true ON CONFLICT DO NOTHING RETURNING revision`
	updateSigning = `{with revision:bigint keys:text}
		UPDATE signing_keys AS r SET revision = r.revision + 1, keys = s.keys FROM s WHERE r.revision = s.revision
		RETURNING {r}revision`
)

func noKey() error { return flowforge.Errorf(flowforge.CodeNotFound, "there is no such API key") }

func (r *row) apiKey() (auth.APIKey, error) {
	k := auth.APIKey{
		ID: auth.KeyID(r.text()), Workspace: flowforge.Workspace(r.text()), User: auth.UserID(r.text()),
		CreatedBy: auth.UserID(r.text()), Name: r.text(), Hash: r.bytes(),
	}
	r.json(&k.Scopes)
	k.CreatedAt, k.ExpiresAt, k.UsedAt, k.RevokedAt = r.time(), r.time(), r.time(), r.time()
	return k, r.err
}

// CreateAPIKey keeps a key.
func (s *Store) CreateAPIKey(ctx context.Context, key auth.APIKey, entries ...auth.Entry) error {
	scopes, err := encode(key.Scopes)
	if err != nil {
		return err
	}
	made := query(insertKey, [][]any{{
		string(key.ID), string(key.Workspace), string(key.User), string(key.CreatedBy), key.Name, key.Hash, scopes,
		micros(key.CreatedAt), micros(key.ExpiresAt),
	}})
	return s.change(ctx, changing{
		op: "create an API key", session: func() *session { return s.owned(key.Workspace) }, calls: []*call{made},
		entries: entries,
		judge: present(made, func() error {
			return flowforge.Errorf(flowforge.CodeConflict, "there is such an API key")
		}),
	})
}

// APIKey finds a key of any workspace.
func (s *Store) APIKey(ctx context.Context, id auth.KeyID) (auth.APIKey, error) {
	found := query(selectKey, [][]any{{string(id)}})
	if err := s.look(ctx, "read an API key", s.identity(), found); err != nil {
		return auth.APIKey{}, err
	}
	if len(found.out) == 0 {
		return auth.APIKey{}, noKey()
	}
	key, err := found.out[0].apiKey()
	return key, s.failure(ctx, "read an API key", err)
}

// ListAPIKeys gives keys of a workspace in order of their IDs.
func (s *Store) ListAPIKeys(
	ctx context.Context, workspace flowforge.Workspace, user auth.UserID, after auth.KeyID, limit int,
) ([]auth.APIKey, error) {
	found := query(listKeys, [][]any{{string(workspace), string(user), string(after), most(limit)}})
	if err := s.look(ctx, "list API keys", s.owned(workspace), found); err != nil {
		return nil, err
	}
	return read(found, (*row).apiKey, func(err error) error { return s.failure(ctx, "list API keys", err) })
}

// RevokeAPIKey revokes a key.
func (s *Store) RevokeAPIKey(
	ctx context.Context, workspace flowforge.Workspace, id auth.KeyID, now time.Time, entries ...auth.Entry,
) error {
	done := query(revokeKey, [][]any{{string(workspace), string(id), micros(now)}})
	return s.change(ctx, changing{
		op: "revoke an API key", session: func() *session { return s.owned(workspace) }, calls: []*call{done},
		entries: entries, judge: present(done, noKey),
	})
}

// TouchAPIKey notes that a key was used.
func (s *Store) TouchAPIKey(ctx context.Context, id auth.KeyID, now time.Time) error {
	return s.change(ctx, changing{
		op: "note the use of an API key", session: s.identity, calls: []*call{exec(touchKey, [][]any{{string(id), micros(now)}})},
	})
}

// SigningKeys gives the signing keys.
func (s *Store) SigningKeys(ctx context.Context) (auth.KeySet, error) {
	found := query(selectSigning, nil)
	if err := s.look(ctx, "read the signing keys", s.identity(), found); err != nil || len(found.out) == 0 {
		return auth.KeySet{}, err
	}
	r := &found.out[0]
	set := auth.KeySet{Revision: r.int()}
	r.json(&set.Keys)
	return set, s.failure(ctx, "read the signing keys", r.err)
}

// SaveSigningKeys replaces the signing keys of a revision.
func (s *Store) SaveSigningKeys(ctx context.Context, set auth.KeySet, entries ...auth.Entry) error {
	keys, err := encode(set.Keys)
	if err != nil {
		return err
	}
	done := query(insertSigning, [][]any{{keys}})
	if set.Revision > 0 {
		done = query(updateSigning, [][]any{{set.Revision, keys}})
	}
	return s.change(ctx, changing{
		op: "save the signing keys", session: s.identity, calls: []*call{done}, entries: entries,
		judge: changed(done, "the set of signing keys"),
	})
}
