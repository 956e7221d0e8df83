package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

// CredentialNames gives the credentials that a document names, in its graph and in the bodies of its loops, sorted.
func CredentialNames(document *flowforge.Workflow) []string {
	names := make(map[string]bool)
	for i := range document.Nodes {
		for _, name := range document.Nodes[i].Credentials {
			names[name] = true
		}
		credentialsIn(document.Nodes[i].Params.Any(), names)
	}
	return slices.Sorted(maps.Keys(names))
}

// credentialsIn finds nodes within a parameter, which are the body of a loop, and the credentials that they name.
func credentialsIn(param any, names map[string]bool) {
	switch param := param.(type) {
	case []any:
		for _, item := range param {
			credentialsIn(item, names)
		}
	case map[string]any:
		_, isNode := param["type"].(string)
		if slots, ok := param["credentials"].(map[string]any); ok && isNode {
			for _, name := range slots {
				if text, ok := name.(string); ok {
					names[text] = true
				}
			}
		}
		for _, item := range param {
			credentialsIn(item, names)
		}
	}
}

// A CredentialUse is a document that names a credential.
type CredentialUse struct {
	Workflow string
	Version  int // store.DraftVersion: the draft
	Nodes    []flowforge.NodeID
}

// CredentialUses gives the workflows of a workspace after a name whose draft or published version names a credential,
// in order of their names, and the name of the last that was looked at; "" where there are no more. It looks at no more
// than so many, whether they name it or not.
func (e *Engine) CredentialUses(
	ctx context.Context, workspace flowforge.Workspace, credential, after string, limit int,
) (uses []CredentialUse, last string, err error) {
	heads, err := e.config.Store.ListWorkflows(ctx, workspace, after, limit)
	if err != nil {
		return nil, "", err
	}
	for i := range heads {
		versions := []int{store.DraftVersion}
		if heads[i].Published > 0 {
			versions = append(versions, heads[i].Published)
		}
		for _, version := range versions {
			_, document, err := e.Document(ctx, workspace, heads[i].Name, version)
			if flowforge.CodeOf(err) == flowforge.CodeNotFound {
				continue // it was deleted meanwhile
			}
			if err != nil {
				return nil, "", err
			}
			if use := (CredentialUse{Workflow: heads[i].Name, Version: version}); use.of(document, credential) {
				uses = append(uses, use)
			}
		}
	}
	if len(heads) == limit && limit > 0 {
		last = heads[len(heads)-1].Name
	}
	return uses, last, nil
}

// of notes the nodes of a document that name a credential, themselves or in their body.
func (u *CredentialUse) of(document *flowforge.Workflow, credential string) bool {
	for i := range document.Nodes {
		one := &flowforge.Workflow{Graph: flowforge.Graph{Nodes: document.Nodes[i : i+1]}}
		if slices.Contains(CredentialNames(one), credential) {
			u.Nodes = append(u.Nodes, document.Nodes[i].ID)
		}
	}
	return len(u.Nodes) > 0
}
