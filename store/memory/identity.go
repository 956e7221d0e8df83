package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// identity is what is kept of users and workspaces. It is small in the programs this store is for: what is not found
// by its key is looked for one by one.
type identity struct {
	users       map[auth.UserID]auth.User
	links       map[linkKey]auth.UserID
	workspaces  map[flowforge.Workspace]auth.Workspace
	members     map[memberKey]auth.Member
	invitations map[string]auth.Invitation // by the hash of the token; those that can be accepted
	sessions    map[auth.SessionID]auth.Session
	spent       map[string]auth.SessionID // by the hash of a refresh token that was replaced
	oneTimes    map[string]auth.OneTime   // by the hash of the token; those that can be used
	apiKeys     map[auth.KeyID]auth.APIKey
	signing     auth.KeySet
	credentials map[credentialKey]auth.Credential
	dataKeys    map[flowforge.Workspace][]auth.DataKey
	audit       map[flowforge.Workspace][]auth.Entry
}

type memberKey struct {
	workspace flowforge.Workspace
	user      auth.UserID
}

type credentialKey struct {
	workspace flowforge.Workspace
	id        auth.CredentialID
}

func newIdentity() identity {
	return identity{
		users:       map[auth.UserID]auth.User{},
		links:       map[linkKey]auth.UserID{},
		workspaces:  map[flowforge.Workspace]auth.Workspace{},
		members:     map[memberKey]auth.Member{},
		invitations: map[string]auth.Invitation{},
		sessions:    map[auth.SessionID]auth.Session{},
		spent:       map[string]auth.SessionID{},
		oneTimes:    map[string]auth.OneTime{},
		apiKeys:     map[auth.KeyID]auth.APIKey{},
		credentials: map[credentialKey]auth.Credential{},
		dataKeys:    map[flowforge.Workspace][]auth.DataKey{},
		audit:       map[flowforge.Workspace][]auth.Entry{},
	}
}

// changeIdentity makes a change and writes the entries that tell of it, unless the change is refused.
func (s *Store) changeIdentity(ctx context.Context, entries []auth.Entry, change func() error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := change(); err != nil {
		return err
	}
	s.tell(entries)
	return nil
}

// tell writes entries of what was changed. The caller holds the lock.
func (s *Store) tell(entries []auth.Entry) {
	for _, e := range entries {
		chain := s.audit[e.Workspace]
		var prev []byte
		if len(chain) > 0 {
			prev = chain[len(chain)-1].Hash
		}
		e.Detail = maps.Clone(e.Detail)
		s.audit[e.Workspace] = append(chain, e.Chained(int64(len(chain))+1, prev))
	}
}

// AppendAudit writes entries of what changed nothing that is kept.
func (s *Store) AppendAudit(ctx context.Context, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error { return nil })
}

// ListAudit gives entries in order.
func (s *Store) ListAudit(
	ctx context.Context, workspace flowforge.Workspace, after int64, limit int,
) ([]auth.Entry, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	chain := s.audit[workspace]
	from, to := page(len(chain), int(after), limit)
	return slices.Clone(chain[from:to]), nil
}

// AuditHead gives the number and the hash of the latest entry.
func (s *Store) AuditHead(ctx context.Context, workspace flowforge.Workspace) (seq int64, hash []byte, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, nil, err
	}
	defer s.mu.Unlock()
	chain := s.audit[workspace]
	if len(chain) == 0 {
		return 0, nil, nil
	}
	return int64(len(chain)), chain[len(chain)-1].Hash, nil
}

// sorted gives the values that are wanted in order of their keys, those after one, at most limit.
func sorted[K comparable, V any, O cmp.Ordered](all map[K]V, order func(V) O, after O, limit int, wanted func(V) bool) []V {
	var found []V
	for _, v := range all {
		if wanted(v) && order(v) > after {
			found = append(found, v)
		}
	}
	slices.SortFunc(found, func(a, b V) int { return cmp.Compare(order(a), order(b)) })
	from, to := page(len(found), 0, limit)
	return found[from:to]
}

func missing(what string) error {
	return flowforge.Errorf(flowforge.CodeNotFound, "there is no such %s", what)
}

func conflict(what string) error {
	return flowforge.Errorf(flowforge.CodeConflict, "there is such %s", what)
}

func stale(what string) error {
	return flowforge.Errorf(flowforge.CodeConflict, "the %s was changed by someone else: read it again", what)
}

// CreateUser keeps a user.
func (s *Store) CreateUser(ctx context.Context, user auth.User, member *auth.Member, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		if _, taken := s.users[user.ID]; taken || s.emailTaken(user) {
			return conflict("a user")
		}
		if member != nil {
			if err := s.mayJoin(*member, user.ID); err != nil {
				return err
			}
			s.enroll(*member)
		}
		user.Revision = 1
		s.users[user.ID] = user
		return nil
	})
}

func (s *Store) emailTaken(user auth.User) bool {
	for _, other := range s.users {
		if user.Email != "" && other.Email == user.Email && other.ID != user.ID {
			return true
		}
	}
	return false
}

// User finds a user.
func (s *Store) User(ctx context.Context, id auth.UserID) (auth.User, error) {
	if err := s.enter(ctx); err != nil {
		return auth.User{}, err
	}
	defer s.mu.Unlock()
	if user, found := s.users[id]; found {
		return user, nil
	}
	return auth.User{}, missing("user")
}

// UserByEmail finds a person.
func (s *Store) UserByEmail(ctx context.Context, email string) (auth.User, error) {
	if err := s.enter(ctx); err != nil {
		return auth.User{}, err
	}
	defer s.mu.Unlock()
	for _, user := range s.users {
		if email != "" && user.Email == email {
			return user, nil
		}
	}
	return auth.User{}, missing("user")
}

// UpdateUser replaces a user of a revision.
func (s *Store) UpdateUser(ctx context.Context, user auth.User, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		old, found := s.users[user.ID]
		if !found || old.Revision != user.Revision || s.emailTaken(user) {
			return stale("user")
		}
		user.Kind, user.Workspace, user.CreatedAt, user.Revision = old.Kind, old.Workspace, old.CreatedAt, old.Revision+1
		s.users[user.ID] = user
		return nil
	})
}

// ListUsers gives people in order of their IDs.
func (s *Store) ListUsers(ctx context.Context, after auth.UserID, limit int) ([]auth.User, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return sorted(s.users, func(u auth.User) auth.UserID { return u.ID }, after, limit,
		func(u auth.User) bool { return u.Kind == auth.Person }), nil
}

// SigningKeys gives the signing keys.
func (s *Store) SigningKeys(ctx context.Context) (auth.KeySet, error) {
	if err := s.enter(ctx); err != nil {
		return auth.KeySet{}, err
	}
	defer s.mu.Unlock()
	return auth.KeySet{Revision: s.signing.Revision, Keys: slices.Clone(s.signing.Keys)}, nil
}

// SaveSigningKeys replaces the signing keys of a revision.
func (s *Store) SaveSigningKeys(ctx context.Context, set auth.KeySet, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		if set.Revision != s.signing.Revision {
			return stale("set of signing keys")
		}
		s.signing = auth.KeySet{Revision: set.Revision + 1, Keys: slices.Clone(set.Keys)}
		return nil
	})
}

// CreateAPIKey keeps a key.
func (s *Store) CreateAPIKey(ctx context.Context, key auth.APIKey, entries ...auth.Entry) error {
	return s.changeIdentity(ctx, entries, func() error {
		if _, taken := s.apiKeys[key.ID]; taken {
			return conflict("an API key")
		}
		key.UsedAt, key.RevokedAt = time.Time{}, time.Time{}
		s.apiKeys[key.ID] = key
		return nil
	})
}

// APIKey finds a key of any workspace.
func (s *Store) APIKey(ctx context.Context, id auth.KeyID) (auth.APIKey, error) {
	if err := s.enter(ctx); err != nil {
		return auth.APIKey{}, err
	}
	defer s.mu.Unlock()
	if key, found := s.apiKeys[id]; found {
		return key, nil
	}
	return auth.APIKey{}, missing("API key")
}

// ListAPIKeys gives keys of a workspace in order of their IDs.
func (s *Store) ListAPIKeys(
	ctx context.Context, workspace flowforge.Workspace, user auth.UserID, after auth.KeyID, limit int,
) ([]auth.APIKey, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return sorted(s.apiKeys, func(k auth.APIKey) auth.KeyID { return k.ID }, after, limit, func(k auth.APIKey) bool {
		return k.Workspace == workspace && (user == "" || k.User == user)
	}), nil
}

// RevokeAPIKey revokes a key.
func (s *Store) RevokeAPIKey(
	ctx context.Context, workspace flowforge.Workspace, id auth.KeyID, now time.Time, entries ...auth.Entry,
) error {
	return s.changeIdentity(ctx, entries, func() error {
		key, found := s.apiKeys[id]
		if !found || key.Workspace != workspace {
			return missing("API key")
		}
		if key.RevokedAt.IsZero() {
			key.RevokedAt = now
		}
		s.apiKeys[id] = key
		return nil
	})
}

// TouchAPIKey notes that a key was used.
func (s *Store) TouchAPIKey(ctx context.Context, id auth.KeyID, now time.Time) error {
	return s.changeIdentity(ctx, nil, func() error {
		if key, found := s.apiKeys[id]; found {
			key.UsedAt = now
			s.apiKeys[id] = key
		}
		return nil
	})
}
