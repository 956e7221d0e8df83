package memory

import (
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// CreateCredential keeps a credential.
func (s *Store) CreateCredential(ctx context.Context, credential auth.Credential, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		key := credentialKey{credential.Workspace, credential.ID}
		if _, taken := s.credentials[key]; taken || s.credentialTaken(credential) {
			return conflict("a credential")
		}
		credential.Revision = 1
		s.credentials[key] = credential
		return nil
	})
}

func (s *Store) credentialTaken(credential auth.Credential) bool {
	for _, other := range s.credentials {
		if other.Workspace == credential.Workspace && other.Name == credential.Name && other.ID != credential.ID {
			return true
		}
	}
	return false
}

// Credential finds one by its ID.
func (s *Store) Credential(
	ctx context.Context, workspace flowforge.Workspace, id auth.CredentialID,
) (auth.Credential, error) {
	if err := s.enter(ctx); err != nil {
		return auth.Credential{}, err
	}
	defer s.mu.Unlock()
	if credential, found := s.credentials[credentialKey{workspace, id}]; found {
		return credential, nil
	}
	return auth.Credential{}, missing("credential")
}

// CredentialByName finds one by its name.
func (s *Store) CredentialByName(
	ctx context.Context, workspace flowforge.Workspace, name string,
) (auth.Credential, error) {
	if err := s.enter(ctx); err != nil {
		return auth.Credential{}, err
	}
	defer s.mu.Unlock()
	for _, credential := range s.credentials {
		if credential.Workspace == workspace && credential.Name == name {
			return credential, nil
		}
	}
	return auth.Credential{}, missing("credential")
}

// ListCredentials gives them in order of their names.
func (s *Store) ListCredentials(
	ctx context.Context, workspace flowforge.Workspace, after string, limit int,
) ([]auth.Credential, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	found := sorted(s.credentials, func(c auth.Credential) string { return c.Name }, after, limit,
		func(c auth.Credential) bool { return c.Workspace == workspace })
	for i := range found {
		found[i].Sealed = nil
	}
	return found, nil
}

// UpdateCredential replaces one of the revision before.
func (s *Store) UpdateCredential(ctx context.Context, credential auth.Credential, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		key := credentialKey{credential.Workspace, credential.ID}
		old, found := s.credentials[key]
		switch {
		case !found:
			return missing("credential")
		case old.Revision != credential.Revision-1 || s.credentialTaken(credential):
			return stale("credential, or one of that name,")
		}
		credential.CreatedBy, credential.CreatedAt = old.CreatedBy, old.CreatedAt
		s.credentials[key] = credential
		return nil
	})
}

// DeleteCredential forgets one.
func (s *Store) DeleteCredential(
	ctx context.Context, workspace flowforge.Workspace, id auth.CredentialID, revision int64, entries ...auth.Entry,
) error {
	return s.changeIdentity(ctx, entries, func() error {
		key := credentialKey{workspace, id}
		old, found := s.credentials[key]
		switch {
		case !found:
			return missing("credential")
		case revision != 0 && old.Revision != revision:
			return stale("credential")
		}
		delete(s.credentials, key)
		return nil
	})
}

// DataKeys gives the keys of a workspace, by number.
func (s *Store) DataKeys(ctx context.Context, workspace flowforge.Workspace) ([]auth.DataKey, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return slices.Clone(s.dataKeys[workspace]), nil
}

// CreateDataKey keeps a new key.
func (s *Store) CreateDataKey(ctx context.Context, key auth.DataKey, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		keys := s.dataKeys[key.Workspace]
		if slices.ContainsFunc(keys, func(k auth.DataKey) bool { return k.Number == key.Number }) {
			return stale("set of data keys")
		}
		keys = append(slices.Clone(keys), key)
		slices.SortFunc(keys, func(a, b auth.DataKey) int { return int(a.Number - b.Number) })
		s.dataKeys[key.Workspace] = keys
		return nil
	})
}

// RewrapDataKey replaces the seal of a key.
func (s *Store) RewrapDataKey(ctx context.Context, key auth.DataKey, from string) (bool, error) {
	done := false
	err := s.changeIdentity(ctx, nil, func() error {
		keys := slices.Clone(s.dataKeys[key.Workspace])
		for i := range keys {
			if keys[i].Number == key.Number && keys[i].Root == from {
				keys[i].Root, keys[i].Sealed, done = key.Root, key.Sealed, true
			}
		}
		s.dataKeys[key.Workspace] = keys
		return nil
	})
	return done, err
}

// DataKeysNotUnder gives keys that are sealed with another root key.
func (s *Store) DataKeysNotUnder(ctx context.Context, root string, limit int) ([]auth.DataKey, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var found []auth.DataKey
	for _, keys := range s.dataKeys {
		for _, key := range keys {
			if key.Root != root {
				found = append(found, key)
			}
		}
	}
	from, to := page(len(found), 0, limit)
	return found[from:to], nil
}

// CredentialsBefore gives credentials that are sealed with older data keys.
func (s *Store) CredentialsBefore(
	ctx context.Context, workspace flowforge.Workspace, number int64, limit int,
) ([]auth.Credential, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return sorted(s.credentials, func(c auth.Credential) auth.CredentialID { return c.ID }, "", limit,
		func(c auth.Credential) bool { return c.Workspace == workspace && c.DataKey < number }), nil
}

// ResealCredential replaces the seal of a credential.
func (s *Store) ResealCredential(ctx context.Context, credential auth.Credential, from int64) (bool, error) {
	done := false
	err := s.changeIdentity(ctx, nil, func() error {
		key := credentialKey{credential.Workspace, credential.ID}
		if old, found := s.credentials[key]; found && old.Revision == credential.Revision && old.DataKey == from {
			old.DataKey, old.Sealed, done = credential.DataKey, credential.Sealed, true
			s.credentials[key] = old
		}
		return nil
	})
	return done, err
}
