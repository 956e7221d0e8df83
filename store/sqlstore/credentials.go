package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	credentialColumns = `c.workspace, c.id, c.name, c.type, c.hosts, c.data_key, c.created_by, c.created_at, c.changed_at, c.revision`

	insertCredential = `{with workspace:text id:text name:text type:text hosts:text number:bigint sealed:bytea maker:text
		created:bigint changed:bigint}
		INSERT INTO credentials (workspace, id, name, type, hosts, data_key, sealed, created_by, created_at, changed_at, revision)
		SELECT workspace, id, name, type, hosts, number, sealed, maker, created, changed, 1 FROM s WHERE true
		ON CONFLICT DO NOTHING RETURNING id`
	selectCredential = `{with workspace:text id:text}
		SELECT ` + credentialColumns + `, c.sealed FROM s JOIN credentials c ON c.workspace = s.workspace AND c.id = s.id`
	credentialByName = `{with workspace:text name:text}
		SELECT ` + credentialColumns + `, c.sealed FROM s JOIN credentials c ON c.workspace = s.workspace AND c.name = s.name`
	listCredentials = `{with workspace:text after:text most:bigint}
		SELECT ` + credentialColumns + ` FROM credentials c
		WHERE c.workspace = (SELECT workspace FROM s) AND c.name > (SELECT after FROM s)
		ORDER BY c.name LIMIT (SELECT most FROM s)`
	updateCredential = `{with workspace:text id:text name:text type:text hosts:text number:bigint sealed:bytea changed:bigint
		revision:bigint}
		UPDATE credentials AS r SET name = s.name, type = s.type, hosts = s.hosts, data_key = s.number, sealed = s.sealed,
			changed_at = s.changed, revision = s.revision
		FROM s WHERE r.workspace = s.workspace AND r.id = s.id AND r.revision = s.revision - 1 AND NOT EXISTS (
			SELECT 1 FROM credentials o WHERE o.workspace = s.workspace AND o.name = s.name AND o.id <> s.id) RETURNING {r}id`
	deleteCredential = `{with workspace:text id:text revision:bigint}
		DELETE FROM credentials WHERE (workspace, id) IN (SELECT workspace, id FROM s)
			AND ((SELECT revision FROM s) = 0 OR revision = (SELECT revision FROM s)) RETURNING id`
	knownCredential = `{with workspace:text id:text}
		SELECT 1 FROM s JOIN credentials c ON c.workspace = s.workspace AND c.id = s.id`
)

func noCredential() error {
	return flowforge.Errorf(flowforge.CodeNotFound, "there is no such credential")
}

// credential reads metadata, and what is sealed where the statement gives it.
func (r *row) credential() (auth.Credential, error) {
	c := auth.Credential{
		Workspace: flowforge.Workspace(r.text()), ID: auth.CredentialID(r.text()), Name: r.text(), Type: r.text(),
	}
	r.json(&c.Hosts)
	c.DataKey, c.CreatedBy, c.CreatedAt, c.ChangedAt = r.int(), auth.UserID(r.text()), r.time(), r.time()
	c.Revision = r.int()
	if r.at < len(r.cells) {
		c.Sealed = r.bytes()
	}
	return c, r.err
}

// CreateCredential keeps a credential.
func (s *Store) CreateCredential(ctx context.Context, c auth.Credential, entries ...auth.Entry) error {
	hosts, err := encode(c.Hosts)
	if err != nil {
		return err
	}
	made := query(insertCredential, [][]any{{
		string(c.Workspace), string(c.ID), c.Name, c.Type, hosts, c.DataKey, c.Sealed, string(c.CreatedBy),
		micros(c.CreatedAt), micros(c.ChangedAt),
	}})
	return s.change(ctx, changing{
		op: "create a credential", session: func() *session { return s.owned(c.Workspace) }, calls: []*call{made},
		entries: entries,
		judge: present(made, func() error {
			return flowforge.Errorf(flowforge.CodeConflict, "there is a credential named %q", c.Name)
		}),
	})
}

// Credential finds one by its ID.
func (s *Store) Credential(
	ctx context.Context, workspace flowforge.Workspace, id auth.CredentialID,
) (auth.Credential, error) {
	return s.credential(ctx, workspace, query(selectCredential, [][]any{{string(workspace), string(id)}}))
}

// CredentialByName finds one by its name.
func (s *Store) CredentialByName(
	ctx context.Context, workspace flowforge.Workspace, name string,
) (auth.Credential, error) {
	return s.credential(ctx, workspace, query(credentialByName, [][]any{{string(workspace), name}}))
}

func (s *Store) credential(ctx context.Context, workspace flowforge.Workspace, found *call) (auth.Credential, error) {
	if err := s.look(ctx, "read a credential", s.owned(workspace), found); err != nil {
		return auth.Credential{}, err
	}
	if len(found.out) == 0 {
		return auth.Credential{}, noCredential()
	}
	c, err := found.out[0].credential()
	return c, s.failure(ctx, "read a credential", err)
}

// ListCredentials gives them in order of their names.
func (s *Store) ListCredentials(
	ctx context.Context, workspace flowforge.Workspace, after string, limit int,
) ([]auth.Credential, error) {
	found := query(listCredentials, [][]any{{string(workspace), after, most(limit)}})
	if err := s.look(ctx, "list credentials", s.owned(workspace), found); err != nil {
		return nil, err
	}
	return read(found, (*row).credential, func(err error) error { return s.failure(ctx, "list credentials", err) })
}

// UpdateCredential replaces one of the revision before.
func (s *Store) UpdateCredential(ctx context.Context, c auth.Credential, entries ...auth.Entry) error {
	hosts, err := encode(c.Hosts)
	if err != nil {
		return err
	}
	done := query(updateCredential, [][]any{{
		string(c.Workspace), string(c.ID), c.Name, c.Type, hosts, c.DataKey, c.Sealed, micros(c.ChangedAt), c.Revision,
	}})
	return s.changeCredential(ctx, "change a credential", c.Workspace, c.ID, done, entries)
}

// DeleteCredential forgets one.
func (s *Store) DeleteCredential(
	ctx context.Context, workspace flowforge.Workspace, id auth.CredentialID, revision int64, entries ...auth.Entry,
) error {
	done := query(deleteCredential, [][]any{{string(workspace), string(id), revision}})
	return s.changeCredential(ctx, "delete a credential", workspace, id, done, entries)
}

func (s *Store) changeCredential(
	ctx context.Context, op string, workspace flowforge.Workspace, id auth.CredentialID, done *call, entries []auth.Entry,
) error {
	known := query(knownCredential, [][]any{{string(workspace), string(id)}})
	return s.change(ctx, changing{
		op: op, session: func() *session { return s.owned(workspace) }, calls: []*call{known, done}, entries: entries,
		judge: func() error {
			if len(known.out) == 0 {
				return noCredential()
			}
			return changed(done, "the credential, or one of that name,")()
		},
	})
}
