package account

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// workspaceView is a workspace as one of its members sees it.
type workspaceView struct {
	ID        flowforge.Workspace `json:"id"`
	Name      string              `json:"name"`
	Role      auth.Role           `json:"role,omitempty" doc:"Of the person who asks."`
	CreatedAt time.Time           `json:"created_at"`
}

func viewOfWorkspace(w *auth.Workspace, role auth.Role) workspaceView {
	return workspaceView{ID: w.ID, Name: w.Name, Role: role, CreatedAt: w.CreatedAt}
}

// taggedWorkspace makes an answer of the present workspace; its ETag is the count of its changes.
func taggedWorkspace(w *auth.Workspace, role auth.Role) *rest.Tagged[workspaceView] {
	return &rest.Tagged[workspaceView]{
		Tag: rest.Quoted(strconv.FormatInt(w.Revision, 10)), Status: http.StatusOK, Body: viewOfWorkspace(w, role),
	}
}

// NamedWorkspace is what requests about one of a person's workspaces say.
type NamedWorkspace struct {
	Workspace flowforge.Workspace `path:"workspace" maxLength:"100" doc:"Its id."`
}

func (s *service) addWorkspaces() {
	const tag = "workspaces"
	rest.Add(s.api, about(http.MethodGet, "/workspaces", "list-workspaces", tag, "List one's workspaces",
		"Those that the person is a member of; of a key, the one that it is for.", rest.SignedIn()), s.workspaces)
	rest.Add(s.api, making(about(http.MethodPost, "/workspaces", "create-workspace", tag, "Make a workspace",
		"Whoever makes it is its owner. The installation may leave this to its admins.", rest.Person(),
		flowforge.CodeInvalidInput), nameBody{"Acme"}), s.createWorkspace)
	rest.Add(s.api, about(http.MethodPost, "/workspaces/{workspace}/enter", "enter-workspace", tag, "Get an access token for a workspace",
		"For the same session. A refresh token stays as it is.", rest.Person(), flowforge.CodeNotFound), s.enter)
	rest.Add(s.api, about(http.MethodGet, "/workspace", "get-workspace", tag, "Get the present workspace", "",
		rest.Requires(auth.WorkspaceRead), flowforge.CodeNotFound), s.workspace)
	rename := taking(about(http.MethodPatch, "/workspace", "rename-workspace", tag, "Rename the present workspace", "",
		rest.Requires(auth.WorkspaceManage), flowforge.CodeNotFound, flowforge.CodeInvalidInput), nameBody{"Acme Ltd"})
	rename.Conditional = true
	rest.Add(s.api, rename, s.renameWorkspace)
	rest.Add(s.api, about(http.MethodDelete, "/workspace", "close-workspace", tag, "Close the present workspace",
		"Nobody can do anything in it from then on.", rest.Requires(auth.WorkspaceDelete), flowforge.CodeNotFound, flowforge.CodeConflict),
		s.closeWorkspace)
}

func (s *service) workspaces(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Answer[all[workspaceView]], error) {
	found, err := s.Identity.Workspaces(ctx, c.Who)
	list := all[workspaceView]{Items: make([]workspaceView, len(found))}
	for i := range found {
		list.Items[i] = viewOfWorkspace(&found[i].Workspace, found[i].Role)
	}
	return rest.AnswerOf(list), err
}

func (s *service) createWorkspace(
	ctx context.Context, c *rest.Call, _ *struct{}, body *nameBody,
) (*rest.Answer[workspaceView], error) {
	made, err := s.Identity.CreateWorkspace(ctx, c.Who, body.Name)
	return rest.AnswerOf(viewOfWorkspace(&made, auth.RoleOwner)), err
}

func (s *service) enter(ctx context.Context, c *rest.Call, in *NamedWorkspace, _ *rest.None) (*rest.Answer[tokensView], error) {
	return viewOfTokens(s.Identity.Enter(ctx, c.Who, in.Workspace))
}

func (s *service) workspace(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Tagged[workspaceView], error) {
	found, err := s.Identity.Workspace(ctx, c.Who)
	return taggedWorkspace(&found, c.Who.Role), err
}

func (s *service) renameWorkspace(
	ctx context.Context, c *rest.Call, _ *struct{}, body *nameBody,
) (*rest.Tagged[workspaceView], error) {
	revision, err := c.Revision()
	if err != nil {
		return nil, err
	}
	changed, err := s.Identity.RenameWorkspace(ctx, c.Who, body.Name, revision)
	return taggedWorkspace(&changed, c.Who.Role), err
}

func (s *service) closeWorkspace(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Empty, error) {
	return &rest.Empty{}, s.Identity.CloseWorkspace(ctx, c.Who)
}
