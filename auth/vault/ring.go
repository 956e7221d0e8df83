package vault

import "sync"

// ring is the root keys: the present one seals, all of them open.
type ring struct {
	reread func() ([]Key, error) // nil: they stay as they are

	mu      sync.Mutex
	present Key
	all     map[string]Key // by their IDs
}

// take makes the first of some keys the present one, and remembers them all.
func (r *ring) take(keys []Key) error {
	all := make(map[string]Key, len(keys))
	for _, key := range keys {
		if err := key.check(); err != nil {
			return err
		}
		all[key.id()] = key
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.present, r.all = keys[0], all
	return nil
}

// refresh takes the keys up as they are now, where somebody may have rotated them.
func (r *ring) refresh() error {
	if r.reread == nil {
		return nil
	}
	keys, err := r.reread()
	if err != nil || len(keys) == 0 {
		return err
	}
	return r.take(keys)
}

// seals gives the present key.
func (r *ring) seals() Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.present
}

// opens gives the key of an ID, which may have come since.
func (r *ring) opens(id string) (Key, error) {
	find := func() (Key, bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		key, found := r.all[id]
		return key, found
	}
	key, found := find()
	if !found {
		if err := r.refresh(); err != nil {
			return Key{}, err
		}
		key, found = find()
	}
	if !found {
		return Key{}, cannotOpen("the root key %s is not here: give it among the older ones", id)
	}
	return key, nil
}
