package vault

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// batch is how many are sealed anew between two questions for what is left.
const batch = 100

// RotateRoot seals all data keys with the present root key, and gives how many. What was sealed by then stays so where it
// is interrupted, and doing it again goes on; afterwards the older root keys are needed no more.
func (v *Vault) RotateRoot(ctx context.Context) (int, error) {
	root := v.roots.seals()
	for done := 0; ; {
		old, err := v.keys.DataKeysNotUnder(ctx, root.id(), batch)
		if err != nil || len(old) == 0 {
			return done, err
		}
		for _, key := range old {
			secret, err := v.unwrap(key)
			if err != nil {
				return done, err
			}
			from := key.Root
			key.Root = root.id()
			if key.Sealed, err = encrypt(v.cfg.Random, root[:], secret, wrapping(key.Workspace, key.Number, key.Root)); err != nil {
				return done, err
			}
			did, err := v.keys.RewrapDataKey(ctx, key, from)
			if err != nil {
				return done, err
			}
			if did {
				done++
			}
		}
	}
}

// RotateData makes a new data key for a workspace, with which everything is sealed from then on, and calls Reseal. The
// entries tell of it. Of the workspace "" only what comes later is sealed with the new key.
func (v *Vault) RotateData(
	ctx context.Context, credentials auth.Credentials, workspace flowforge.Workspace, entries ...auth.Entry,
) (int, error) {
	keys, err := v.keys.DataKeys(ctx, workspace)
	if err != nil {
		return 0, err
	}
	number := int64(1)
	if len(keys) > 0 {
		number = keys[len(keys)-1].Number + 1
	}
	if err := v.newDataKey(ctx, workspace, number, entries...); err != nil {
		return 0, err
	}
	return v.Reseal(ctx, credentials, workspace)
}

// Reseal seals the credentials of a workspace that are sealed with older data keys with the newest, and gives how many. It
// goes on where it was interrupted. Credentials can be used and changed meanwhile.
func (v *Vault) Reseal(ctx context.Context, credentials auth.Credentials, workspace flowforge.Workspace) (int, error) {
	keys, err := v.keys.DataKeys(ctx, workspace)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	newest := keys[len(keys)-1].Number
	for done := 0; ; {
		old, err := v.keys.CredentialsBefore(ctx, workspace, newest, batch)
		if err != nil || len(old) == 0 {
			return done, err
		}
		for _, c := range old {
			did, err := v.reseal(ctx, credentials, c)
			if err != nil {
				return done, err
			}
			if did {
				done++
			}
		}
	}
}

// reseal seals one anew; it answers whether it did: who changed it meanwhile sealed it anew too.
func (v *Vault) reseal(ctx context.Context, credentials auth.Credentials, c auth.Credential) (bool, error) {
	secret, err := v.openCredential(ctx, c)
	if flowforge.CodeOf(err) == CodeSealed {
		// It may have been replaced after it was listed; if not, it cannot be opened by anyone.
		now, again := credentials.Credential(ctx, c.Workspace, c.ID)
		if flowforge.CodeOf(again) == flowforge.CodeNotFound || again == nil && now.Revision != c.Revision {
			return false, nil
		}
	}
	if err != nil {
		return false, err
	}
	from := c.DataKey
	if c.DataKey, c.Sealed, err = v.sealCredential(ctx, c, secret); err != nil {
		return false, err
	}
	return v.keys.ResealCredential(ctx, c, from)
}
