package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

const (
	selectVariables = `{with workspace:text} SELECT v.name, v.value FROM variables v WHERE v.workspace = (SELECT workspace FROM s)`
	upsertVariable  = `{with workspace:text name:text value:text}
		INSERT INTO variables (workspace, name, value) SELECT workspace, name, value FROM s WHERE true
		ON CONFLICT (workspace, name) DO UPDATE SET value = excluded.value`
	deleteVariable = `{with workspace:text name:text}
		DELETE FROM variables WHERE (workspace, name) IN (SELECT workspace, name FROM s) RETURNING name`
)

// Variables gives all variables of a workspace by name.
func (s *Store) Variables(
	ctx context.Context, workspace flowforge.Workspace,
) (map[string]flowforge.Value, error) {
	found := query(selectVariables, [][]any{{string(workspace)}})
	if err := s.read(ctx, "read variables", string(workspace), found); err != nil {
		return nil, err
	}
	all := make(map[string]flowforge.Value, len(found.out))
	for i := range found.out {
		r := &found.out[i]
		name := r.text()
		value, err := flowforge.StoredValue(r.next())
		if err != nil {
			return nil, s.failure(ctx, "read variables", err)
		}
		all[name] = value
	}
	return all, nil
}

// SetVariable gives a variable a value.
func (s *Store) SetVariable(
	ctx context.Context, workspace flowforge.Workspace, name string, value flowforge.Value,
) error {
	if err := value.Check(); err != nil {
		return err
	}
	set := exec(upsertVariable, [][]any{{string(workspace), name, value.String()}})
	return s.writeOf(ctx, "set a variable", workspace, auth.Told(ctx, name), nil, set)
}

// DeleteVariable forgets a variable.
func (s *Store) DeleteVariable(ctx context.Context, workspace flowforge.Workspace, name string) error {
	gone := query(deleteVariable, [][]any{{string(workspace), name}})
	return s.writeOf(ctx, "delete a variable", workspace, auth.Told(ctx, name), func() error {
		if len(gone.out) == 0 {
			return flowforge.Errorf(flowforge.CodeNotFound, "there is no variable %q", name)
		}
		return nil
	}, gone)
}

// writeOf runs calls that write what is a workspace's, in a transaction of their own, with the entries that tell of it.
// Where judge finds that they came to nothing, nothing is written; nil: they always come to something.
func (s *Store) writeOf(
	ctx context.Context, op string, workspace flowforge.Workspace, entries []auth.Entry, judge func() error, calls ...*call,
) error {
	if len(entries) > 0 {
		tenant := func() *session { return s.tenant(string(workspace)) }
		return s.change(ctx, changing{op: op, session: tenant, calls: calls, judge: judge, entries: entries})
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	err := retry(ctx, func() error { return s.once(ctx, s.tenant(string(workspace)), calls...) })
	if err == nil && judge != nil {
		err = judge()
	}
	return s.failure(ctx, op, err)
}
