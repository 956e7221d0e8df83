package server

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/rest"
	"github.com/flowforge-go/flowforge/store"
)

// nodeBody is a node as a request's body.
type nodeBody struct{ flowforge.Node }

// connectionBody is a connection as a request's body.
type connectionBody struct{ flowforge.Connection }

// partOf is a part of a draft, and what is wrong with the whole of it now.
type partOf[T any] struct {
	Item     T            `json:"item"`
	Problems []rest.Fault `json:"problems" nullable:"false" doc:"Of the whole draft as it is now."`
}

// leftover is what is left after a part was taken away.
type leftover struct {
	Problems []rest.Fault `json:"problems" nullable:"false" doc:"Of the whole draft as it is now."`
}

// parts is all parts of a kind; a draft has few enough to give them at once.
type parts[T any] struct {
	Items []T `json:"items" nullable:"false"`
}

// NamedNode is what requests about one node of a draft say.
type NamedNode struct {
	Named

	Node string `path:"node" maxLength:"200" doc:"The node's id, in the workflow's own graph."`
}

// NamedConnection is what requests about one connection of a draft say.
type NamedConnection struct {
	Named

	From string `query:"from" required:"true" maxLength:"400" doc:"Where it comes from: node, or node.port."`
	To   string `query:"to" required:"true" maxLength:"400" doc:"Where it goes to: node, or node.port."`
}

func (s *service) addDrafts() {
	edits := func(method, path, id, summary, about string) rest.Route {
		return rest.Route{
			Method: method, Path: "/workflows/{workflow}" + path, ID: id, Tag: "drafts", Summary: summary, About: about,
			Policy: rest.Requires(auth.WorkflowEdit), Conditional: true,
			Codes: []flowforge.Code{flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidWorkflow},
		}
	}
	reads := func(path, id, summary string) rest.Route {
		return rest.Route{
			Method: http.MethodGet, Path: "/workflows/{workflow}" + path, ID: id, Tag: "drafts", Summary: summary,
			Policy: rest.Requires(auth.WorkflowRead), Conditional: true, Codes: []flowforge.Code{flowforge.CodeNotFound},
		}
	}
	const whose = " The ETag is that of the whole draft."
	rest.Add(s.Server, reads("/nodes", "list-nodes", "List the nodes of the draft"), s.listNodes)
	rest.Add(s.Server, reads("/nodes/{node}", "get-node", "Get a node of the draft"), s.getNode)
	rest.Add(s.Server, reads("/connections", "list-connections", "List the connections of the draft"), s.listConnections)
	create := edits(http.MethodPost, "/nodes", "add-node", "Add a node to the draft", "Its id is not to be taken yet."+whose)
	create.Status, create.Body = http.StatusCreated, &rest.Body{Example: map[string]any{"id": "wait", "type": "core.noop"}}
	rest.Add(s.Server, create, s.addNode)
	replace := edits(http.MethodPut, "/nodes/{node}", "replace-node", "Replace a node of the draft",
		"Another `id` in the body renames it, with its connections; expressions that read it are not changed."+whose)
	replace.Body = &rest.Body{Example: map[string]any{"id": "greet", "type": "core.noop"}}
	rest.Add(s.Server, replace, s.replaceNode)
	rest.Add(s.Server, edits(http.MethodDelete, "/nodes/{node}", "remove-node", "Remove a node from the draft",
		"With its connections."+whose), s.removeNode)
	connect := edits(http.MethodPost, "/connections", "add-connection", "Connect two nodes of the draft", whose[1:])
	connect.Status, connect.Body = http.StatusCreated, &rest.Body{Example: map[string]any{"from": "greet.out", "to": "wait"}}
	rest.Add(s.Server, connect, s.addConnection)
	rest.Add(s.Server, edits(http.MethodDelete, "/connections", "remove-connection", "Remove a connection from the draft",
		"The one from and to the ends that the query says."+whose), s.removeConnection)
}

// edit changes the draft of a workflow, under the condition of the request.
func (s *service) edit(
	ctx context.Context, c *rest.Call, name string, change func(document *flowforge.Workflow) error,
) (*rest.Tagged[workflowView], error) {
	saved, problems, err := s.engine.EditDraft(ctx, c.Workspace(), name, c.Etag, checked(c, change))
	return viewOf(&saved, problems), err
}

// checked refuses a change after which the draft names credentials that the principal may not use (S8).
func checked(c *rest.Call, change func(document *flowforge.Workflow) error) func(document *flowforge.Workflow) error {
	return func(document *flowforge.Workflow) error {
		if err := change(document); err != nil {
			return err
		}
		return mayName(c, document)
	}
}

// mayName refuses a document that names credentials, of who may use none (S8).
func mayName(c *rest.Call, document *flowforge.Workflow) error {
	if len(engine.CredentialNames(document)) == 0 {
		return nil
	}
	return c.Who.Require(auth.CredentialUse)
}

// saveDraft saves a document of somebody who may use the credentials that it names.
func (s *service) saveDraft(
	ctx context.Context, c *rest.Call, draft engine.Draft,
) (store.SavedWorkflow, flowforge.Problems, error) {
	if err := mayName(c, draft.Document); err != nil {
		return store.SavedWorkflow{}, nil, err
	}
	return s.engine.SaveDraft(ctx, c.Workspace(), draft)
}

// editPart is edit for who wants to see only the part that was changed.
func editPart[T any](
	ctx context.Context, s *service, c *rest.Call, name string, status int, change func(document *flowforge.Workflow) (T, error),
) (*rest.Tagged[partOf[T]], error) {
	out := &rest.Tagged[partOf[T]]{Status: status}
	saved, problems, err := s.engine.EditDraft(ctx, c.Workspace(), name, c.Etag, checked(c, func(document *flowforge.Workflow) (err error) {
		out.Body.Item, err = change(document)
		return err
	}))
	out.Tag, out.Body.Problems = rest.Quoted(saved.Document.Hash), rest.FaultsOf(problems)
	return out, err
}

// readParts reads parts of a draft, under the condition of the request.
func readParts[T any](
	ctx context.Context, s *service, c *rest.Call, name string, pick func(document *flowforge.Workflow) (T, error),
) (*rest.Tagged[T], error) {
	saved, document, err := s.engine.Document(ctx, c.Workspace(), name, store.DraftVersion)
	if err != nil {
		return nil, err
	}
	out := &rest.Tagged[T]{Tag: rest.Quoted(saved.Document.Hash), Status: http.StatusOK}
	if saved.Document.Hash == c.Etag {
		out.Status = http.StatusNotModified
		return out, nil
	}
	out.Body, err = pick(document)
	return out, err
}

func indexOfNode(document *flowforge.Workflow, id string) (int, error) {
	at := slices.IndexFunc(document.Nodes, func(n flowforge.Node) bool { return string(n.ID) == id })
	if at < 0 {
		return at, flowforge.Errorf(flowforge.CodeNotFound, "the draft has no such node")
	}
	return at, nil
}

func (s *service) listNodes(ctx context.Context, c *rest.Call, in *Named, _ *rest.None) (*rest.Tagged[parts[flowforge.Node]], error) {
	return readParts(ctx, s, c, in.Workflow, func(document *flowforge.Workflow) (parts[flowforge.Node], error) {
		return parts[flowforge.Node]{Items: document.Nodes}, nil
	})
}

func (s *service) getNode(ctx context.Context, c *rest.Call, in *NamedNode, _ *rest.None) (*rest.Tagged[flowforge.Node], error) {
	return readParts(ctx, s, c, in.Workflow, func(document *flowforge.Workflow) (flowforge.Node, error) {
		at, err := indexOfNode(document, in.Node)
		if err != nil {
			return flowforge.Node{}, err
		}
		return document.Nodes[at], nil
	})
}

func (s *service) listConnections(
	ctx context.Context, c *rest.Call, in *Named, _ *rest.None,
) (*rest.Tagged[parts[flowforge.Connection]], error) {
	return readParts(ctx, s, c, in.Workflow, func(document *flowforge.Workflow) (parts[flowforge.Connection], error) {
		return parts[flowforge.Connection]{Items: append([]flowforge.Connection{}, document.Connections...)}, nil
	})
}

func (s *service) addNode(ctx context.Context, c *rest.Call, in *Named, body *nodeBody) (*rest.Tagged[partOf[flowforge.Node]], error) {
	return editPart(ctx, s, c, in.Workflow, http.StatusCreated, func(document *flowforge.Workflow) (flowforge.Node, error) {
		if _, err := indexOfNode(document, string(body.ID)); err == nil {
			return flowforge.Node{}, flowforge.Errorf(flowforge.CodeConflict, "the draft has a node of this id")
		}
		document.Nodes = append(document.Nodes, body.Node)
		return body.Node, nil
	})
}

func (s *service) replaceNode(
	ctx context.Context, c *rest.Call, in *NamedNode, body *nodeBody,
) (*rest.Tagged[partOf[flowforge.Node]], error) {
	return editPart(ctx, s, c, in.Workflow, http.StatusOK, func(document *flowforge.Workflow) (flowforge.Node, error) {
		at, err := indexOfNode(document, in.Node)
		if err != nil {
			return flowforge.Node{}, err
		}
		if taken, err := indexOfNode(document, string(body.ID)); err == nil && taken != at {
			return flowforge.Node{}, flowforge.Errorf(flowforge.CodeConflict, "the draft has another node of this id")
		}
		old := document.Nodes[at].ID
		document.Nodes[at] = body.Node
		for i := range document.Connections {
			for _, end := range []*flowforge.Endpoint{&document.Connections[i].From, &document.Connections[i].To} {
				if end.Node == old {
					end.Node = body.ID
				}
			}
		}
		return body.Node, nil
	})
}

func (s *service) removeNode(ctx context.Context, c *rest.Call, in *NamedNode, _ *rest.None) (*rest.Tagged[leftover], error) {
	return s.remove(ctx, c, in.Workflow, func(document *flowforge.Workflow) error {
		at, err := indexOfNode(document, in.Node)
		if err != nil {
			return err
		}
		document.Nodes = slices.Delete(document.Nodes, at, at+1)
		document.Connections = slices.DeleteFunc(document.Connections, func(connection flowforge.Connection) bool {
			return string(connection.From.Node) == in.Node || string(connection.To.Node) == in.Node
		})
		return nil
	})
}

func (s *service) addConnection(
	ctx context.Context, c *rest.Call, in *Named, body *connectionBody,
) (*rest.Tagged[partOf[flowforge.Connection]], error) {
	change := func(document *flowforge.Workflow) (flowforge.Connection, error) {
		if slices.ContainsFunc(document.Connections, func(other flowforge.Connection) bool {
			return sameEnds(other, body.Connection)
		}) {
			return flowforge.Connection{}, flowforge.Errorf(flowforge.CodeConflict, "the draft has this connection")
		}
		document.Connections = append(document.Connections, body.Connection)
		return body.Connection, nil
	}
	return editPart(ctx, s, c, in.Workflow, http.StatusCreated, change)
}

func (s *service) removeConnection(ctx context.Context, c *rest.Call, in *NamedConnection, _ *rest.None) (*rest.Tagged[leftover], error) {
	var wanted flowforge.Connection
	for parameter, end := range map[string]*flowforge.Endpoint{"from": &wanted.From, "to": &wanted.To} {
		text := in.From
		if parameter == "to" {
			text = in.To
		}
		if err := end.UnmarshalText([]byte(text)); err != nil {
			return nil, rest.Invalid([]rest.Fault{{Parameter: parameter, Code: "bad_value", Message: "this is no end: write node, or node.port"}})
		}
	}
	return s.remove(ctx, c, in.Workflow, func(document *flowforge.Workflow) error {
		before := len(document.Connections)
		document.Connections = slices.DeleteFunc(document.Connections, func(other flowforge.Connection) bool {
			return sameEnds(other, wanted)
		})
		if len(document.Connections) == before {
			return flowforge.Errorf(flowforge.CodeNotFound, "the draft has no such connection")
		}
		return nil
	})
}

// remove takes a part away from a draft.
func (s *service) remove(
	ctx context.Context, c *rest.Call, name string, change func(document *flowforge.Workflow) error,
) (*rest.Tagged[leftover], error) {
	saved, problems, err := s.engine.EditDraft(ctx, c.Workspace(), name, c.Etag, checked(c, change))
	return &rest.Tagged[leftover]{
		Tag: rest.Quoted(saved.Document.Hash), Status: http.StatusOK, Body: leftover{Problems: rest.FaultsOf(problems)},
	}, err
}

// sameEnds reports whether two connections join the same ports; one that is not named is out, or in.
func sameEnds(a, b flowforge.Connection) bool {
	named := func(end flowforge.Endpoint, usual flowforge.Port) flowforge.Endpoint {
		if end.Port == "" {
			end.Port = usual
		}
		return end
	}
	return named(a.From, flowforge.PortOut) == named(b.From, flowforge.PortOut) &&
		named(a.To, flowforge.PortIn) == named(b.To, flowforge.PortIn)
}

// Schema describes the node.
func (*nodeBody) Schema(registry huma.Registry) *huma.Schema {
	return rest.SchemaOf[flowforge.Node](registry)
}

// Schema describes the connection.
func (*connectionBody) Schema(registry huma.Registry) *huma.Schema {
	return rest.SchemaOf[flowforge.Connection](registry)
}
