// Package limits holds what all stores answer alike when a new run finds a limit reached.
package limits

import (
	"cmp"
	"slices"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// Refused is the error of a run that found no place under a limit.
func Refused(slot *store.Slot) error {
	if slot.For > 0 {
		return flowforge.Errorf(flowforge.CodeLimited,
			"no more than %d runs start in %s under %q: try again later", slot.Limit, slot.For, slot.Key)
	}
	return flowforge.Errorf(flowforge.CodeLimited,
		"no more than %d runs are in progress under %q: try again when one has ended", slot.Limit, slot.Key)
}

// BacklogFull is the error of a run whose workspace has too many queued ones.
func BacklogFull(workspace flowforge.Workspace, most int) error {
	return flowforge.Errorf(flowforge.CodeLimited,
		"workspace %q has %d queued runs and may have no more: try again when some have begun", workspace, most)
}

// Check refuses slots that make no sense.
func Check(slots []store.Slot) error {
	for i := range slots {
		slot := &slots[i]
		switch {
		case slot.Limit < 1:
			return flowforge.Errorf(flowforge.CodeInvalidValue, "slot %q: a limit of %d lets nothing run", slot.Key, slot.Limit)
		case slot.For < 0, slot.For > 0 && slot.ReleaseWhileWaiting:
			return flowforge.Errorf(flowforge.CodeInvalidValue, "slot %q: what is held for a time is not released before", slot.Key)
		case slices.ContainsFunc(slots[:i], func(other store.Slot) bool { return other.Key == slot.Key }):
			return flowforge.Errorf(flowforge.CodeInvalidValue, "slot %q is asked for twice", slot.Key)
		}
	}
	return nil
}

// TakenAtOnce reports whether a place is taken when the run is created, or never.
func TakenAtOnce(slot *store.Slot) bool {
	return slot.AtLimit == store.LimitRefuses || slot.AtLimit == store.LimitAnswers
}

// A Rival is a run that has a place, or waits for it.
type Rival struct {
	Run       flowforge.RunID
	CreatedAt time.Time
	Leaving   bool // it was asked to cancel
}

// Surplus gives the oldest rivals, those that are to make room so that no more than a limit are left with a new run.
func Surplus(rivals []Rival, limit int) []flowforge.RunID {
	slices.SortFunc(rivals, func(a, b Rival) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Run, b.Run))
	})
	var gone []flowforge.RunID
	for i := range max(0, len(rivals)-limit+1) {
		if !rivals[i].Leaving {
			gone = append(gone, rivals[i].Run)
		}
	}
	return gone
}

// Superseded is the message to a run that makes room for a newer one.
func Superseded(workspace flowforge.Workspace, run, newer flowforge.RunID, now time.Time) store.Message {
	reason := "a newer run of the same key has begun: " + string(newer)
	return store.Message{
		Workspace: workspace, Run: run, ID: "superseded", Kind: store.MessageCancel, At: now,
		Payload: flowforge.MustValue(map[string]any{"reason": reason}),
	}
}
