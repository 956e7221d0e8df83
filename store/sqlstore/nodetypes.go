package sqlstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync"
)

// known is what this process has seen in the database of what never goes away.
type known struct {
	lock      sync.Mutex
	sets      map[int64][]string // node types by the number of their set
	documents map[[2]string]bool // by workspace and hash; a prune may have taken one away since
}

// setID is the number of a set of node types: the first bytes of its SHA-256.
func setID(types []string) int64 {
	sum := sha256.Sum256([]byte(strings.Join(types, "\n")))
	return int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // Any 64 bits will do.
}

const insertSets = `{with id:bigint types:text}
	INSERT INTO type_sets (id, types) SELECT id, types FROM s WHERE true ON CONFLICT DO NOTHING`

// keepSets makes sure that the database knows sets of node types, in a transaction of its own, since sets stay.
func (s *Store) keepSets(ctx context.Context, x *session, sets map[int64][]string) error {
	var rows [][]any
	s.known.lock.Lock()
	for id, types := range sets {
		if s.known.sets[id] == nil {
			rows = append(rows, []any{id, strings.Join(types, "\n")})
		}
	}
	s.known.lock.Unlock()
	if len(rows) == 0 {
		return nil
	}
	if x != nil { // the database is in the hands of a transaction that may be rolled back
		return x.run(ctx, exec(insertSets, rows))
	}
	if err := s.once(ctx, s.engine(), exec(insertSets, rows)); err != nil {
		return err
	}
	s.known.lock.Lock()
	defer s.known.lock.Unlock()
	if s.known.sets == nil {
		s.known.sets = map[int64][]string{}
	}
	for id, types := range sets {
		s.known.sets[id] = append([]string{}, types...)
	}
	return nil
}

// setsWithin gives the sets all of whose types are among some, and how many sets are known.
func (s *Store) setsWithin(types []string) (ids []int64, count int64) {
	able := make(map[string]bool, len(types))
	for _, name := range types {
		able[name] = true
	}
	s.known.lock.Lock()
	defer s.known.lock.Unlock()
next:
	for id, set := range s.known.sets {
		for _, name := range set {
			if !able[name] {
				continue next
			}
		}
		ids = append(ids, id)
	}
	return ids, int64(len(s.known.sets))
}

// learnSets reads all sets.
func (s *Store) learnSets(ctx context.Context) error {
	all := query(`SELECT id, types FROM type_sets`, nil)
	if err := s.read(ctx, "read node types", "", all); err != nil {
		return err
	}
	s.known.lock.Lock()
	defer s.known.lock.Unlock()
	if s.known.sets == nil {
		s.known.sets = map[int64][]string{}
	}
	for i := range all.out {
		id, text := all.out[i].int(), all.out[i].text()
		types := []string{}
		if text != "" {
			types = strings.Split(text, "\n")
		}
		s.known.sets[id] = types
	}
	return nil
}

// hasDocument reports whether a document was seen in the database.
func (s *Store) hasDocument(workspace, hash string) bool {
	s.known.lock.Lock()
	defer s.known.lock.Unlock()
	return s.known.documents[[2]string{workspace, hash}]
}

const manyDocuments = 10_000

// sawDocuments notes documents that were committed, and forget those that were not found.
func (s *Store) sawDocuments(rows [][]any, there bool) {
	s.known.lock.Lock()
	defer s.known.lock.Unlock()
	if s.known.documents == nil || len(s.known.documents) > manyDocuments {
		s.known.documents = map[[2]string]bool{}
	}
	for _, r := range rows {
		workspace, _ := r[0].(string)
		hash, _ := r[1].(string)
		if there {
			s.known.documents[[2]string{workspace, hash}] = true
		} else {
			delete(s.known.documents, [2]string{workspace, hash})
		}
	}
}
