package nodes

import (
	"context"

	"github.com/flowforge-go/flowforge"
)

// Credentials finds credentials by name. The engine asks it for each attempt, so that a changed credential is
// used by the next one.
type Credentials interface {
	// Credential gives the named credential, or an Error with CodeCredential where the workspace has none, or the run
	// may not use it.
	Credential(ctx context.Context, request CredentialRequest) (Credential, error)
}

// CredentialRequest says which credential a run wants.
type CredentialRequest struct {
	Workspace flowforge.Workspace
	Name      string
	ActsFor   string // whom the run acts for, see flowforge.Run; "": nobody, as in a program without users
}

// Credential is a secret and where it may be sent.
type Credential struct {
	Name   string
	Type   string                      // "api_key", "basic", "bearer", "oauth2", "smtp", "database", "hmac", "custom"
	Hosts  []string                    // hosts it may be sent to; empty: any
	Fields map[string]flowforge.Secret // what the type needs, such as "token" or "username" and "password"
}

// StaticCredentials is a fixed set of credentials by name, the same for every workspace.
type StaticCredentials map[string]Credential

// Credential gives the named credential.
func (s StaticCredentials) Credential(
	_ context.Context, request CredentialRequest,
) (Credential, error) {
	credential, found := s[request.Name]
	if !found {
		return Credential{}, flowforge.Errorf(flowforge.CodeCredential, "there is no credential named %q", request.Name)
	}
	return credential, nil
}
