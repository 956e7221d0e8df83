package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// maxDepth bounds how deep runs may start runs.
const maxDepth = 20

// prepareChild makes the run that a node wants to start ready to be created with the next transition.
func (r *run) prepareChild(ctx context.Context, a *activity, wish *nodes.Child) error {
	if err := wish.Input.Check(); err != nil {
		return nodes.Permanent(err)
	}
	kind, depth := flowforge.OriginParent, 1
	if wish.Detach {
		kind = flowforge.OriginDetached
	}
	if r.info.Origin != nil {
		depth += r.info.Origin.Depth
	}
	if depth > maxDepth {
		return nodes.Permanent(flowforge.Errorf(flowforge.CodeInvalidParams,
			"workflows start each other more than %d deep: does %q start itself?", maxDepth, wish.Workflow))
	}
	child, _, err := r.engine.prepare(ctx, StartRequest{
		Workspace: r.info.Workspace, Workflow: wish.Workflow, Version: wish.Version, Input: wish.Input,
		Test: r.info.Test, Priority: r.info.Priority,
	})
	if err != nil {
		return err
	}
	waitWhereRefused(&child)
	child.Run.ID = childID(r.keyRun(a), a)
	child.Run.Origin = &flowforge.Origin{
		Run: r.info.ID, Kind: kind, Node: a.node.Doc.ID, Element: a.path, Depth: depth,
	}
	child.Run.Pool = cmp.Or(child.Run.Pool, r.info.Pool)
	child.Lease = r.engine.leaseFor(&child.Run)
	a.child = &child
	return nil
}

// childID gives the ID of the run that a node run starts: starting it again starts none.
func childID(parent flowforge.RunID, a *activity) flowforge.RunID {
	name := string(parent) + "\x00" + string(a.node.Doc.ID) + "\x00" + a.path
	if failed := a.attempts - a.losses; failed > 1 {
		name += "\x00" + strconv.Itoa(failed)
	}
	return derivedID(sha256.Sum256([]byte(name)))
}

// derivedID gives a hash the form of a UUID of version 8 (RFC 9562).
func derivedID(sum [sha256.Size]byte) flowforge.RunID {
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	text := hex.EncodeToString(sum[:16])
	return flowforge.RunID(text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:])
}
