package memory

import (
	"context"
	"maps"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// Variables gives all variables of a workspace by name.
func (s *Store) Variables(
	ctx context.Context, workspace flowforge.Workspace,
) (map[string]flowforge.Value, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return maps.Clone(s.variables[workspace]), nil
}

// SetVariable gives a variable a value.
func (s *Store) SetVariable(
	ctx context.Context, workspace flowforge.Workspace, name string, value flowforge.Value,
) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	all := s.variables[workspace]
	if all == nil {
		all = map[string]flowforge.Value{}
		s.variables[workspace] = all
	}
	all[name] = value
	s.tell(auth.Told(ctx, name))
	return nil
}

// DeleteVariable forgets a variable.
func (s *Store) DeleteVariable(ctx context.Context, workspace flowforge.Workspace, name string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	all := s.variables[workspace]
	if _, found := all[name]; !found {
		return flowforge.Errorf(flowforge.CodeNotFound, "there is no variable %q", name)
	}
	delete(all, name)
	if len(all) == 0 {
		delete(s.variables, workspace)
	}
	s.tell(auth.Told(ctx, name))
	return nil
}
