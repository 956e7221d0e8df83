// Package vault keeps secrets sealed (S18): a root key of the installation, which is not in the database, seals a data
// key for each workspace, and that seals the workspace's credentials, with XChaCha20-Poly1305. What is sealed is bound to
// where it belongs, so that nobody who can write to the database exchanges two. Both kinds of keys are rotated while
// everything goes on, and a rotation that was interrupted is taken up again.
package vault

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// The codes of this package's errors.
const (
	CodeWeakKey flowforge.Code = "weak_key"  // a root key that is short, or that others know
	CodeSealed  flowforge.Code = "sealed"    // the keys that are here do not open it
	CodeHosts   flowforge.Code = "bad_hosts" // a credential's hosts are not written as hosts
)

// Config says how a Vault behaves; its zero value is ready to use.
type Config struct {
	Older  []Key                 // root keys from before, until RotateRoot has sealed everything with the present one
	Reread func() ([]Key, error) // the root keys as they are now, the present one first, for rotating them while all goes on; nil: they stay
	Now    func() time.Time      // nil: time.Now
	Random io.Reader             // nil: crypto/rand.Reader
}

// A Vault seals and opens. Its methods may be called from many goroutines.
type Vault struct {
	keys  auth.DataKeys
	cfg   Config
	roots *ring

	mu     sync.Mutex
	opened map[place][]byte // data keys
}

type place struct {
	workspace flowforge.Workspace
	number    int64
}

// New makes a Vault with the present root key.
func New(keys auth.DataKeys, root Key, cfg Config) (*Vault, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	v := &Vault{keys: keys, cfg: cfg, roots: &ring{reread: cfg.Reread}, opened: map[place][]byte{}}
	if err := v.roots.take(append([]Key{root}, cfg.Older...)); err != nil {
		return nil, err
	}
	return v, nil
}

// Format gives "[redacted]" for every verb of fmt, which would print what is in unexported fields.
func (*Vault) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// Check refuses a store with data keys that none of the root keys opens: CodeSealed (S2). Who starts a server asks this
// first, since it would otherwise make secrets that the owner of the others cannot open.
func (v *Vault) Check(ctx context.Context) error {
	const some = 100
	keys, err := v.keys.DataKeysNotUnder(ctx, v.roots.seals().id(), some)
	if err != nil {
		return err
	}
	own, err := v.keys.DataKeys(ctx, "")
	if err != nil {
		return err
	}
	for _, key := range append(keys, own...) {
		if _, err := v.unwrap(key); err != nil {
			return err
		}
	}
	return nil
}

// Seal hides a secret of the installation, under a label that says what it is a secret of. It implements auth.Sealer.
func (v *Vault) Seal(ctx context.Context, label string, secret []byte) ([]byte, error) {
	number, sealed, err := v.seal(ctx, "", secret, "installation", label)
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint64(nil, uint64(number)), sealed...), nil //nolint:gosec // From 1.
}

// Open gives what Seal hid under the same label; anything else is CodeSealed.
func (v *Vault) Open(ctx context.Context, label string, sealed []byte) ([]byte, error) {
	const prefix = 8
	if len(sealed) < prefix {
		return nil, cannotOpen("it is too short")
	}
	number := int64(binary.BigEndian.Uint64(sealed)) //nolint:gosec // What Seal wrote, or nothing that is found.
	return v.open(ctx, "", number, sealed[prefix:], "installation", label)
}

// seal seals with the newest data key of a workspace, whose number it gives; the first call makes one.
func (v *Vault) seal(
	ctx context.Context, workspace flowforge.Workspace, secret []byte, bound ...string,
) (int64, []byte, error) {
	const tries = 3 // somebody else may make the first key at the same moment
	for range tries {
		keys, err := v.keys.DataKeys(ctx, workspace)
		if err != nil {
			return 0, nil, err
		}
		if len(keys) > 0 {
			newest := keys[len(keys)-1]
			key, err := v.dataKey(newest)
			if err != nil {
				return 0, nil, err
			}
			sealed, err := encrypt(v.cfg.Random, key, secret, secretBinding(workspace, newest.Number, bound))
			return newest.Number, sealed, err
		}
		if err := v.newDataKey(ctx, workspace, 1); err != nil && flowforge.CodeOf(err) != flowforge.CodeConflict {
			return 0, nil, err
		}
	}
	return 0, nil, flowforge.Errorf(flowforge.CodeUnavailable, "there is no data key")
}

func (v *Vault) open(
	ctx context.Context, workspace flowforge.Workspace, number int64, sealed []byte, bound ...string,
) ([]byte, error) {
	key, err := v.find(ctx, workspace, number)
	if err != nil {
		return nil, err
	}
	return decrypt(key, sealed, secretBinding(workspace, number, bound))
}

// find gives an opened data key.
func (v *Vault) find(ctx context.Context, workspace flowforge.Workspace, number int64) ([]byte, error) {
	v.mu.Lock()
	known := v.opened[place{workspace, number}]
	v.mu.Unlock()
	if known != nil {
		return known, nil
	}
	keys, err := v.keys.DataKeys(ctx, workspace)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if key.Number == number {
			return v.dataKey(key)
		}
	}
	return nil, cannotOpen("its data key is missing")
}

// mostOpened bounds how many data keys are remembered.
const mostOpened = 1_000

func (v *Vault) dataKey(key auth.DataKey) ([]byte, error) {
	at := place{key.Workspace, key.Number}
	v.mu.Lock()
	known := v.opened[at]
	v.mu.Unlock()
	if known != nil {
		return known, nil
	}
	opened, err := v.unwrap(key)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.opened) >= mostOpened {
		clear(v.opened)
	}
	v.opened[at] = opened
	return opened, nil
}

// unwrap opens a data key with the root key it is sealed with.
func (v *Vault) unwrap(key auth.DataKey) ([]byte, error) {
	root, err := v.roots.opens(key.Root)
	if err != nil {
		return nil, err
	}
	return decrypt(root[:], key.Sealed, wrapping(key.Workspace, key.Number, key.Root))
}

func (v *Vault) newDataKey(
	ctx context.Context, workspace flowforge.Workspace, number int64, entries ...auth.Entry,
) error {
	secret := make([]byte, chacha20poly1305.KeySize)
	if _, err := io.ReadFull(v.cfg.Random, secret); err != nil {
		return fmt.Errorf("make a data key: %w", err)
	}
	if err := v.roots.refresh(); err != nil {
		return err
	}
	root := v.roots.seals()
	key := auth.DataKey{Workspace: workspace, Number: number, Root: root.id(), CreatedAt: v.cfg.Now().UTC().Truncate(time.Microsecond)}
	var err error
	if key.Sealed, err = encrypt(v.cfg.Random, root[:], secret, wrapping(workspace, number, key.Root)); err != nil {
		return err
	}
	return v.keys.CreateDataKey(ctx, key, entries...)
}

// form is the first octet of what is sealed, so that there may be another form one day.
const form = 1

func encrypt(random io.Reader, key, secret, bound []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sealed := make([]byte, 1+chacha20poly1305.NonceSizeX, 1+chacha20poly1305.NonceSizeX+len(secret)+chacha20poly1305.Overhead)
	sealed[0] = form
	if _, err := io.ReadFull(random, sealed[1:]); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return aead.Seal(sealed, sealed[1:], secret, bound), nil
}

func decrypt(key, sealed, bound []byte) ([]byte, error) {
	const nonce = 1 + chacha20poly1305.NonceSizeX
	if len(sealed) < nonce || sealed[0] != form {
		return nil, cannotOpen("it is in no form that is known")
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	secret, err := aead.Open(nil, sealed[1:nonce], sealed[nonce:], bound)
	if err != nil {
		return nil, cannotOpen("it was sealed with another key, or for another place, or was changed")
	}
	return secret, nil
}

func cannotOpen(format string, args ...any) error {
	return flowforge.Errorf(CodeSealed, "what is sealed cannot be opened: "+format, args...)
}

// wrapping is what a data key is bound to.
func wrapping(workspace flowforge.Workspace, number int64, root string) []byte {
	return binding("flowforge data key", string(workspace), strconv.FormatInt(number, 10), root)
}

// secretBinding is what a secret is bound to.
func secretBinding(workspace flowforge.Workspace, number int64, bound []string) []byte {
	return binding(append([]string{"flowforge secret", string(workspace), strconv.FormatInt(number, 10)}, bound...)...)
}

// binding writes texts each after its length, so that no two lists are written alike.
func binding(texts ...string) []byte {
	var b []byte
	for _, text := range texts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

// id names a root key without telling it.
func (k Key) id() string {
	sum := sha256.Sum256(append([]byte("flowforge root key "), k[:]...))
	return hex.EncodeToString(sum[:8])
}
