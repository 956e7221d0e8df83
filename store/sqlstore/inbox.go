package sqlstore

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Send puts a message into a run's inbox.
func (s *Store) Send(ctx context.Context, message store.Message) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	err := retry(ctx, func() error {
		x := s.tenant(string(message.Workspace))
		defer x.close(ctx)
		return s.sendIn(ctx, x, &message)
	})
	return s.failure(ctx, "send a message", err)
}

func (s *Store) sendIn(ctx context.Context, x *session, message *store.Message) error {
	b := s.newBatch()
	b.letters = []store.Message{*message}
	if err := b.read(ctx, x, nil, false); err != nil {
		return err
	}
	key := keyOf(message.Workspace, message.Run)
	to := b.runs[key]
	switch {
	case to == nil:
		return noRun(message.Run)
	case b.messages[messageKey{key, message.ID}] != nil:
		return nil
	case to.status.Terminal():
		return flowforge.Errorf(flowforge.CodeConflict, "run %s has ended", message.Run)
	}
	if err := b.send(message); err != nil {
		return err
	}
	return b.write(ctx, x)
}

const (
	messageColumns = `m.workspace, m.run, m.id, m.kind, m.at, m.payload`
	unreadMessages = `{with workspace:text run:text} SELECT ` + messageColumns + ` FROM messages m
		WHERE m.workspace = (SELECT workspace FROM s) AND m.run = (SELECT run FROM s) AND m.unread = 1 ORDER BY m.n`
	runStatus = `{with workspace:text run:text} SELECT r.status, r.created_at FROM runs r
		WHERE r.workspace = (SELECT workspace FROM s) AND r.id = (SELECT run FROM s)`
)

func (r *row) message(l *loader, into *store.Message) {
	*into = store.Message{
		Workspace: flowforge.Workspace(r.text()), Run: flowforge.RunID(r.text()), ID: r.text(),
		Kind: store.MessageKind(r.text()), At: r.time(),
	}
	l.value(into.Workspace, r.next(), &into.Payload)
	l.fail(r.err)
}

// Messages gives the unread messages of a run; one that has ended has none.
func (s *Store) Messages(
	ctx context.Context, workspace flowforge.Workspace, run flowforge.RunID,
) ([]store.Message, error) {
	unread := query(unreadMessages, [][]any{cells(keyOf(workspace, run))})
	status, _, err := s.ofRun(ctx, "read an inbox", workspace, run, unread)
	if err != nil || status.Terminal() {
		return nil, err
	}
	l := &loader{}
	messages := make([]store.Message, len(unread.out))
	for i := range unread.out {
		unread.out[i].message(l, &messages[i])
	}
	return messages, s.load(ctx, workspace, l)
}
