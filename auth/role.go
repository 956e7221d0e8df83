package auth

import "slices"

// A Permission is one exact thing that a principal may do in a workspace.
type Permission string

// All permissions.
const (
	WorkflowRead    Permission = "workflow:read"
	WorkflowEdit    Permission = "workflow:edit"
	WorkflowPublish Permission = "workflow:publish"
	WorkflowExecute Permission = "workflow:execute"
	WorkflowDelete  Permission = "workflow:delete"

	RunRead    Permission = "run:read"
	RunControl Permission = "run:control" // cancel, pause, resume, signal, decide
	RunRetry   Permission = "run:retry"   // and fork

	ScheduleRead Permission = "schedule:read"
	ScheduleEdit Permission = "schedule:edit" // and pause, resume, trigger, backfill

	VariableRead Permission = "variable:read"
	VariableEdit Permission = "variable:edit"

	CredentialRead  Permission = "credential:read" // what it is called and of which type, never what it holds
	CredentialUse   Permission = "credential:use"
	CredentialEdit  Permission = "credential:edit"
	CredentialShare Permission = "credential:share"

	TemplateRead Permission = "template:read"
	TemplateEdit Permission = "template:edit"

	MemberRead      Permission = "member:read"
	MemberManage    Permission = "member:manage" // members, invitations, service accounts
	KeyManage       Permission = "key:manage"    // one's own API keys
	WorkspaceRead   Permission = "workspace:read"
	WorkspaceManage Permission = "workspace:manage" // its name, limits and retention
	WorkspaceDelete Permission = "workspace:delete"
	AuditRead       Permission = "audit:read"
	UsageRead       Permission = "usage:read"
)

// A Role is a named set of permissions.
type Role string

// The roles, each with what those after it have.
const (
	RoleOwner    Role = "owner"
	RoleAdmin    Role = "admin"
	RoleEditor   Role = "editor"
	RoleOperator Role = "operator"
	RoleViewer   Role = "viewer"
)

// Roles gives all roles, the most powerful first.
func Roles() []Role { return []Role{RoleOwner, RoleAdmin, RoleEditor, RoleOperator, RoleViewer} }

// Valid reports whether there is such a role.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Permissions gives what a role may do; an unknown one may do nothing.
func (r Role) Permissions() Permissions {
	var all []Permission
	for at := slices.Index(Roles(), r); at >= 0 && at < len(Roles()); at++ {
		all = append(all, added(Roles()[at])...)
	}
	return NewPermissions(all...)
}

// added gives what a role may do that those below it may not.
func added(role Role) []Permission {
	switch role {
	case RoleOwner:
		return []Permission{WorkspaceDelete}
	case RoleAdmin:
		return []Permission{MemberManage, WorkspaceManage, CredentialShare, AuditRead}
	case RoleEditor:
		return []Permission{
			WorkflowEdit, WorkflowPublish, WorkflowDelete, ScheduleEdit, VariableEdit,
			CredentialUse, CredentialEdit, TemplateEdit,
		}
	case RoleOperator:
		return []Permission{WorkflowExecute, RunControl, RunRetry}
	case RoleViewer:
		return []Permission{
			WorkflowRead, RunRead, ScheduleRead, VariableRead, CredentialRead, TemplateRead, MemberRead, KeyManage,
			WorkspaceRead, UsageRead,
		}
	default:
		return nil
	}
}
