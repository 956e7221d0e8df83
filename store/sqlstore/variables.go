package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
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
	return s.writeOf(ctx, "set a variable", workspace, set)
}

// DeleteVariable forgets a variable.
func (s *Store) DeleteVariable(ctx context.Context, workspace flowforge.Workspace, name string) error {
	gone := query(deleteVariable, [][]any{{string(workspace), name}})
	if err := s.writeOf(ctx, "delete a variable", workspace, gone); err != nil {
		return err
	}
	if len(gone.out) == 0 {
		return flowforge.Errorf(flowforge.CodeNotFound, "there is no variable %q", name)
	}
	return nil
}

// writeOf runs calls that write what is a workspace's, in a transaction of their own.
func (s *Store) writeOf(ctx context.Context, op string, workspace flowforge.Workspace, calls ...*call) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	err := retry(ctx, func() error { return s.once(ctx, s.tenant(string(workspace)), calls...) })
	return s.failure(ctx, op, err)
}
