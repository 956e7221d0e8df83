package memory

import (
	"context"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// An inbox is the messages of a run.
type inbox struct {
	unread  []store.Message
	cancels int                 // of the unread
	seen    map[string]struct{} // the IDs of all
}

// put takes a message in that has not been here before.
func (b *inbox) put(message store.Message) {
	if b.seen == nil {
		b.seen = map[string]struct{}{}
	}
	b.seen[message.ID] = struct{}{}
	b.unread = append(b.unread, message)
	if message.Kind == store.MessageCancel {
		b.cancels++
	}
}

// read takes out the messages with these IDs; mostly they are the oldest, in order.
func (b *inbox) read(ids []string) {
	rest := ids
	for len(rest) > 0 && len(b.unread) > 0 && b.unread[0].ID == rest[0] {
		b.forget(&b.unread[0])
		b.unread, rest = b.unread[1:], rest[1:]
	}
	if len(rest) == 0 {
		return
	}
	b.unread = slices.DeleteFunc(b.unread, func(message store.Message) bool {
		found := slices.Contains(rest, message.ID)
		if found {
			b.forget(&message)
		}
		return found
	})
}

func (b *inbox) forget(message *store.Message) {
	if message.Kind == store.MessageCancel {
		b.cancels--
	}
	*message = store.Message{}
}

// close forgets what nobody will read.
func (b *inbox) close() { b.unread, b.cancels = nil, 0 }

// Send puts a message into a run's inbox.
func (s *Store) Send(ctx context.Context, message store.Message) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	r, err := s.find(message.Workspace, message.Run)
	if err != nil {
		return err
	}
	return s.send(r, message)
}

func (s *Store) send(r *run, message store.Message) error {
	if _, seen := r.inbox.seen[message.ID]; seen {
		return nil
	}
	if r.Status.Terminal() {
		return flowforge.Errorf(flowforge.CodeConflict, "run %s has ended", r.ID)
	}
	r.inbox.put(message)
	s.deliver(r)
	if r.spot.line != &s.leases {
		s.wake(r)
	}
	return nil
}

// sendAll sends what a transition sends. Who has ended or is unknown gets none.
func (s *Store) sendAll(messages []store.Message) {
	for _, message := range messages {
		if r := s.runs[runKey{message.Workspace, message.Run}]; r != nil {
			_ = s.send(r, message)
		}
	}
}

// deliver takes note of who is to be told that a run has unread messages.
func (s *Store) deliver(r *run) {
	worker := flowforge.WorkerID("")
	if r.held && len(r.inbox.unread) > 0 {
		worker = r.worker
	}
	if worker == r.mail {
		return
	}
	delete(s.mail[r.mail], r)
	if len(s.mail[r.mail]) == 0 {
		delete(s.mail, r.mail)
	}
	r.mail = worker
	if worker == "" {
		return
	}
	if s.mail[worker] == nil {
		s.mail[worker] = map[*run]struct{}{}
	}
	s.mail[worker][r] = struct{}{}
}

// Unread gives the runs of a worker that have unread messages.
func (s *Store) Unread(ctx context.Context, worker flowforge.WorkerID) ([]store.RunKey, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var keys []store.RunKey
	for r := range s.mail[worker] {
		keys = append(keys, store.RunKey{Workspace: r.Workspace, Run: r.ID})
	}
	return keys, nil
}

// wake lets a run that nobody owns look at a message. One that is ready, or waits for a slot, stays where it is,
// unless it is to be canceled.
func (s *Store) wake(r *run) {
	switch r.spot.line {
	case &r.group.ready:
		return
	case &s.sleeping, nil:
		s.waits(r, s.now())
	default:
		if r.inbox.cancels == 0 {
			return
		}
	}
	s.place(r, s.now())
	for i := range r.slots {
		s.grant(s.slot(r, r.slots[i].Key)) // those behind it may see a higher limit
	}
}

// Messages gives the unread messages of a run.
func (s *Store) Messages(
	ctx context.Context, workspace flowforge.Workspace, id flowforge.RunID,
) ([]store.Message, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r, err := s.find(workspace, id)
	if err != nil {
		return nil, err
	}
	return slices.Clone(r.inbox.unread), nil
}
