package token

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// Rotate makes the next signing key the active one, retires the one before, and makes and publishes another next one.
// Tokens that were signed stay valid. The entry tells of it in the audit log.
func (i *Issuer) Rotate(ctx context.Context, entries ...auth.Entry) error {
	return i.change(ctx, entries, func(set *auth.KeySet, now time.Time) {
		for at := range set.Keys {
			switch key := &set.Keys[at]; key.State {
			case auth.KeyNext:
				key.State = auth.KeyActive
			case auth.KeyActive:
				key.State, key.RetiredAt, key.Private = auth.KeyRetired, now, nil
			case auth.KeyRetired:
			}
		}
	})
}

// Replace forgets all signing keys and makes new ones, as after a theft: every access token becomes invalid.
func (i *Issuer) Replace(ctx context.Context, entries ...auth.Entry) error {
	return i.change(ctx, entries, func(set *auth.KeySet, _ time.Time) { set.Keys = nil })
}

// Prepare makes the first keys, where there are none.
func (i *Issuer) Prepare(ctx context.Context) error {
	_, _, err := i.signing(ctx)
	return err
}

// change applies a change to the set, completes it to one active and one next key, and saves it.
func (i *Issuer) change(ctx context.Context, entries []auth.Entry, change func(set *auth.KeySet, now time.Time)) error {
	set, err := i.keys.SigningKeys(ctx)
	if err != nil {
		return err
	}
	now := i.cfg.Now().UTC()
	set.Keys = slices.Clone(set.Keys)
	change(&set, now)
	set.Keys = slices.DeleteFunc(set.Keys, func(k auth.SigningKey) bool {
		return k.State == auth.KeyRetired && now.Sub(k.RetiredAt) > believed
	})
	for _, state := range []auth.SigningKeyState{auth.KeyActive, auth.KeyNext} {
		if !slices.ContainsFunc(set.Keys, func(k auth.SigningKey) bool { return k.State == state }) {
			made, err := i.newKey(ctx, state, now)
			if err != nil {
				return err
			}
			set.Keys = append(set.Keys, made)
		}
	}
	if err := i.keys.SaveSigningKeys(ctx, set, entries...); err != nil {
		return err
	}
	_, err = i.fresh(ctx, 0)
	return err
}

func (i *Issuer) newKey(ctx context.Context, state auth.SigningKeyState, now time.Time) (auth.SigningKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(i.cfg.Random, seed); err != nil {
		return auth.SigningKey{}, fmt.Errorf("make a signing key: %w", err)
	}
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	sum := sha256.Sum256(public)
	id := base64.RawURLEncoding.EncodeToString(sum[:16])
	sealed, err := i.sealer.Seal(ctx, label(id), seed)
	if err != nil {
		return auth.SigningKey{}, fmt.Errorf("seal a signing key: %w", err)
	}
	return auth.SigningKey{ID: id, State: state, Public: public, Private: sealed, CreatedAt: now}, nil
}

func label(kid string) string { return "signing key " + kid }

// signing gives the active key; the first call of all makes it.
func (i *Issuer) signing(ctx context.Context) (string, ed25519.PrivateKey, error) {
	const tries = 3 // several servers may begin at once: one of them makes the keys
	for range tries {
		set, err := i.fresh(ctx, freshness)
		if err != nil {
			return "", nil, err
		}
		at := slices.IndexFunc(set.Keys, func(k auth.SigningKey) bool { return k.State == auth.KeyActive })
		if at >= 0 {
			key, err := i.open(ctx, set.Keys[at])
			return set.Keys[at].ID, key, err
		}
		err = i.change(ctx, nil, func(*auth.KeySet, time.Time) {})
		if err != nil && flowforge.CodeOf(err) != flowforge.CodeConflict {
			return "", nil, err
		}
		if _, err := i.fresh(ctx, 0); err != nil {
			return "", nil, err
		}
	}
	return "", nil, flowforge.Errorf(flowforge.CodeUnavailable, "there is no signing key")
}

// open unseals a private key, once for each.
func (i *Issuer) open(ctx context.Context, key auth.SigningKey) (ed25519.PrivateKey, error) {
	i.mu.Lock()
	known := i.active
	i.mu.Unlock()
	if known != nil && string(known.Public().(ed25519.PublicKey)) == string(key.Public) { //nolint:errcheck,forcetypeassert // It is one.
		return known, nil
	}
	seed, err := i.sealer.Open(ctx, label(key.ID), key.Private)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("open signing key %s: %w", key.ID, err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	i.mu.Lock()
	i.active = private
	i.mu.Unlock()
	return private, nil
}

// fresh gives the set of keys, read again where what is known is older than age.
func (i *Issuer) fresh(ctx context.Context, age time.Duration) (auth.KeySet, error) {
	now := i.cfg.Now()
	i.mu.Lock()
	set, readAt := i.set, i.readAt
	i.mu.Unlock()
	if set.Revision > 0 && now.Sub(readAt) < age {
		return set, nil
	}
	set, err := i.keys.SigningKeys(ctx)
	if err != nil {
		return auth.KeySet{}, fmt.Errorf("read the signing keys: %w", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if set.Revision >= i.set.Revision {
		i.set, i.readAt = set, now
	}
	return i.set, nil
}
