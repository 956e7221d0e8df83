package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/vault"
	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/rest"
)

// credentialView is a credential without what is secret in it, which nobody ever reads again.
type credentialView struct {
	ID        auth.CredentialID `json:"id"`
	Name      string            `json:"name" doc:"Unique in the workspace: nodes refer to it."`
	Type      string            `json:"type"`
	Hosts     []string          `json:"hosts" nullable:"false" doc:"Where it may be sent; empty: anywhere."`
	CreatedBy auth.UserID       `json:"created_by"`
	CreatedAt time.Time         `json:"created_at"`
	ChangedAt time.Time         `json:"changed_at"`
}

func viewOfCredential(c *auth.Credential) credentialView {
	return credentialView{
		ID: c.ID, Name: c.Name, Type: c.Type, Hosts: append([]string{}, c.Hosts...), CreatedBy: c.CreatedBy,
		CreatedAt: c.CreatedAt, ChangedAt: c.ChangedAt,
	}
}

// CredentialBody is what a person says about a credential.
type CredentialBody struct {
	Name   string            `json:"name" minLength:"1" maxLength:"200"`
	Type   string            `json:"type" maxLength:"50" doc:"One of the list of types." example:"bearer"`
	Hosts  []string          `json:"hosts,omitempty" maxItems:"100" nullable:"false" doc:"Where it may be sent: api.example.com, api.example.com:8443, *.example.com; empty: anywhere."`
	Fields map[string]string `json:"fields,omitempty" writeOnly:"true" doc:"What is secret in it, as the type has it. In a change absent: as they are, unless the type or the hosts are others."`
}

func (b *CredentialBody) content() vault.Content {
	content := vault.Content{Name: b.Name, Type: b.Type, Hosts: b.Hosts}
	if b.Fields != nil {
		content.Fields = make(map[string]flowforge.Secret, len(b.Fields))
		for name, text := range b.Fields {
			content.Fields[name] = flowforge.NewSecret(text)
		}
	}
	return content
}

// NamedCredential is what requests about one credential say.
type NamedCredential struct {
	Credential auth.CredentialID `path:"credential" maxLength:"100" doc:"Its id."`
}

// credentialType is a kind of credential as forms are made of it.
type credentialType struct {
	Type   string            `json:"type"`
	Doc    string            `json:"doc"`
	Fields []credentialField `json:"fields" nullable:"false"`
	More   bool              `json:"more,omitempty" doc:"It has fields of any other names, too."`
}

type credentialField struct {
	Name     string `json:"name"`
	Doc      string `json:"doc"`
	Required bool   `json:"required,omitempty"`
	Secret   bool   `json:"secret" doc:"Whether a form should hide what is typed."`
}

// tryBody says how a credential is tried.
type tryBody struct {
	URL    string `json:"url" maxLength:"2000" format:"uri" doc:"What is asked for, with the credential: one of its hosts." example:"https://api.example.com/me"`
	Method string `json:"method,omitempty" enum:"GET,HEAD" doc:"Absent: GET."`
}

// trial is what came of trying a credential.
type trial struct {
	Accepted bool               `json:"accepted" doc:"Whether the other system answered with a status below 400."`
	Status   int                `json:"status,omitempty" doc:"What it answered with; absent: it did not, or not yet."`
	Error    *flowforge.Failure `json:"error,omitempty" doc:"Why there was no answer."`
	Run      flowforge.RunID    `json:"run" doc:"In which it was tried."`
}

func (s *service) addCredentials() {
	if s.credentials == nil {
		return
	}
	const (
		tag = "credentials"
		one = "/credentials/{credential}"
	)
	of := func(method, path, id, summary, text string, permission auth.Permission, codes ...flowforge.Code) rest.Route {
		return rest.Route{
			Method: method, Path: path, ID: id, Tag: tag, Summary: summary, About: text, Policy: rest.Requires(permission), Codes: codes,
		}
	}
	example := map[string]any{"name": "crm", "type": "bearer", "hosts": []any{"api.example.com"}, "fields": map[string]any{"token": "…"}}
	rest.Add(s.Server, of(http.MethodGet, "/credential-types", "list-credential-types", "List the types of credentials", "With their fields.",
		auth.CredentialRead), s.credentialTypes)
	rest.Add(s.Server, of(http.MethodGet, "/credentials", "list-credentials", "List the credentials", "In order of name.",
		auth.CredentialRead), s.listCredentials)
	create := of(http.MethodPost, "/credentials", "create-credential", "Keep a credential",
		"What is in its fields is sealed, and leaves the server in one direction only: to the nodes that use it.", auth.CredentialEdit,
		flowforge.CodeConflict, flowforge.CodeInvalidInput, vault.CodeHosts)
	create.Status, create.Body = http.StatusCreated, &rest.Body{Example: example}
	rest.Add(s.Server, create, s.createCredential)
	get := of(http.MethodGet, one, "get-credential", "Get a credential", "Without its fields.", auth.CredentialRead, flowforge.CodeNotFound)
	get.Conditional = true
	rest.Add(s.Server, get, s.getCredential)
	put := of(http.MethodPut, one, "replace-credential", "Replace a credential",
		"Other hosts or another type take the fields again, so that nobody learns them by sending them elsewhere.", auth.CredentialEdit,
		flowforge.CodeNotFound, flowforge.CodeConflict, flowforge.CodeInvalidInput, vault.CodeHosts)
	put.Conditional, put.Body = true, &rest.Body{Example: example}
	rest.Add(s.Server, put, s.replaceCredential)
	remove := of(http.MethodDelete, one, "delete-credential", "Forget a credential", "Nodes that use it fail from then on.",
		auth.CredentialEdit, flowforge.CodeNotFound, flowforge.CodeConflict)
	remove.Conditional = true
	rest.Add(s.Server, remove, s.deleteCredential)
	rest.Add(s.Server, of(http.MethodGet, one+"/usage", "list-credential-uses", "List where a credential is used",
		"The drafts and published versions that name it, in order of the workflows' names. A page looks at `limit` workflows, and may "+
			"have fewer items, or none, where there is more.", auth.CredentialRead, flowforge.CodeNotFound, auth.CodeForbidden), s.credentialUses)
	try := of(http.MethodPost, one+"/test", "test-credential", "Try a credential",
		"A run of one node sends it with a request to one of its hosts.",
		auth.CredentialUse, flowforge.CodeNotFound, flowforge.CodeUnsupported, flowforge.CodeInvalidInput, flowforge.CodeInvalidWorkflow,
		flowforge.CodeLimited)
	try.Body = &rest.Body{Example: map[string]any{"url": "https://api.example.com/me"}}
	rest.Add(s.Server, try, s.testCredential)
}

func (s *service) credentialTypes(context.Context, *rest.Call, *struct{}, *rest.None) (*rest.Answer[parts[credentialType]], error) {
	types := vault.Types()
	out := parts[credentialType]{Items: make([]credentialType, len(types))}
	for i, t := range types {
		view := credentialType{Type: t.Name, Doc: t.Doc, More: t.More, Fields: make([]credentialField, len(t.Fields))}
		for j, field := range t.Fields {
			view.Fields[j] = credentialField{Name: field.Name, Doc: field.Doc, Required: field.Required, Secret: !field.Open}
		}
		out.Items[i] = view
	}
	return rest.AnswerOf(out), nil
}

func (s *service) listCredentials(
	ctx context.Context, c *rest.Call, in *rest.Paging, _ *rest.None,
) (*rest.Listed[credentialView], error) {
	const kind = "credentials"
	after, err := in.After(kind)
	if err != nil {
		return nil, err
	}
	found, err := s.credentials.List(ctx, c.Who, after, in.Limit+1)
	return rest.Page(in, kind, found, viewOfCredential, func(last *auth.Credential, _ int) string { return last.Name }), err
}

// taggedCredential makes an answer of a credential; its ETag is the count of its changes.
func taggedCredential(c *auth.Credential) *rest.Tagged[credentialView] {
	return &rest.Tagged[credentialView]{
		Tag: rest.Quoted(strconv.FormatInt(c.Revision, 10)), Status: http.StatusOK, Body: viewOfCredential(c),
	}
}

func (s *service) createCredential(
	ctx context.Context, c *rest.Call, _ *struct{}, body *CredentialBody,
) (*rest.Tagged[credentialView], error) {
	made, err := s.credentials.Create(ctx, c.Who, body.content())
	out := taggedCredential(&made)
	out.Status, out.Location = http.StatusCreated, s.Prefix+rest.Path+"/credentials/"+url.PathEscape(string(made.ID))
	return out, err
}

func (s *service) getCredential(
	ctx context.Context, c *rest.Call, in *NamedCredential, _ *rest.None,
) (*rest.Tagged[credentialView], error) {
	found, err := s.credentials.Get(ctx, c.Who, in.Credential)
	if err == nil && c.Etag == strconv.FormatInt(found.Revision, 10) {
		return &rest.Tagged[credentialView]{Tag: rest.Quoted(c.Etag), Status: http.StatusNotModified}, nil
	}
	return taggedCredential(&found), err
}

func (s *service) replaceCredential(
	ctx context.Context, c *rest.Call, in *NamedCredential, body *CredentialBody,
) (*rest.Tagged[credentialView], error) {
	revision, err := c.Revision()
	if err != nil {
		return nil, err
	}
	changed, err := s.credentials.Update(ctx, c.Who, in.Credential, revision, body.content())
	return taggedCredential(&changed), err
}

func (s *service) deleteCredential(ctx context.Context, c *rest.Call, in *NamedCredential, _ *rest.None) (*rest.Empty, error) {
	revision, err := c.Revision()
	if err != nil {
		return nil, err
	}
	return &rest.Empty{}, s.credentials.Delete(ctx, c.Who, in.Credential, revision)
}

// credentialUse is a document that names a credential.
type credentialUse struct {
	Workflow string             `json:"workflow" doc:"Its name."`
	Version  int                `json:"version,omitempty" doc:"The published one; absent: it is the draft."`
	Nodes    []flowforge.NodeID `json:"nodes" nullable:"false" doc:"Those that name it, themselves or in their body."`
}

func (s *service) credentialUses(ctx context.Context, c *rest.Call, in *struct {
	NamedCredential
	rest.Paging
}, _ *rest.None,
) (*rest.Listed[credentialUse], error) {
	const kind = "credential-uses"
	after, err := in.After(kind)
	if err != nil {
		return nil, err
	}
	found, err := s.credentials.Get(ctx, c.Who, in.Credential)
	if err == nil {
		err = c.Who.Require(auth.WorkflowRead)
	}
	if err != nil {
		return nil, err
	}
	uses, last, err := s.engine.CredentialUses(ctx, c.Workspace(), found.Name, after, in.Limit)
	views := make([]credentialUse, len(uses))
	for i, use := range uses {
		views[i] = credentialUse{Workflow: use.Workflow, Version: max(use.Version, 0), Nodes: use.Nodes}
	}
	return rest.Upto(kind, views, last), err
}

// testCredential runs one node with the credential: what decides there decides here.
func (s *service) testCredential(
	ctx context.Context, c *rest.Call, in *NamedCredential, body *tryBody,
) (*rest.Answer[trial], error) {
	found, err := s.credentials.Get(ctx, c.Who, in.Credential)
	if err != nil {
		return nil, err
	}
	if err := s.credentials.MayUse(ctx, c.Who, found.Name); err != nil {
		return nil, err
	}
	document, err := trialOf(found.Name, body)
	if err != nil {
		return nil, err
	}
	run, err := s.engine.Start(ctx, engine.StartRequest{Workspace: c.Workspace(), Document: document})
	if err != nil {
		return nil, err
	}
	if run, err = s.await(ctx, run, s.limits.Wait); err != nil {
		return nil, err
	}
	out := trial{Error: run.Error, Run: run.ID}
	if run.Status == flowforge.RunSucceeded {
		if err := json.Unmarshal(run.Output.JSON(), &out.Status); err != nil {
			return nil, err
		}
	}
	out.Accepted = out.Status > 0 && out.Status < http.StatusBadRequest
	return rest.AnswerOf(out), nil
}

// trialOf is a document that asks for an address with a credential.
func trialOf(credential string, body *tryBody) (*flowforge.Workflow, error) {
	method := body.Method
	if method == "" {
		method = http.MethodGet
	}
	params, err := flowforge.ValueOf(map[string]any{"url": body.URL, "method": method, "fail_on_status": false})
	return &flowforge.Workflow{Name: "test of a credential", Graph: flowforge.Graph{
		Nodes:  []flowforge.Node{{ID: "try", Type: "http.request", Params: params, Credentials: map[string]string{"auth": credential}}},
		Output: flowforge.MustValue("{{ nodes.try.output.status }}"),
	}}, err
}
