package vault_test

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/vault"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store/memory"
)

// A credential is made by a person and used by a node; in between nobody reads it.
func ExampleCredentials() {
	ctx := context.Background()
	stores := memory.New(memory.Config{})
	root, _, err := vault.NewKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	sealer, err := vault.New(stores, root, vault.Config{})
	if err != nil {
		panic(err)
	}
	credentials := vault.NewCredentials(sealer, stores)
	editor := &auth.Principal{Kind: auth.KindHost, Workspace: "acme", Permissions: auth.RoleEditor.Permissions()}
	_, err = credentials.Create(ctx, editor, vault.Content{
		Name: "crm", Type: "bearer", Hosts: []string{"api.example.com"},
		Fields: map[string]flowforge.Secret{"token": flowforge.NewSecret("s3cret")},
	})
	if err != nil {
		panic(err)
	}
	source := credentials.Source(func(_ context.Context, _ flowforge.Workspace, _ auth.UserID, _ auth.Credential) error {
		return nil // a server asks whether whom the run is for may use it
	})
	found, err := source.Credential(ctx, nodes.CredentialRequest{Workspace: "acme", Name: "crm"})
	if err != nil {
		panic(err)
	}
	fmt.Println(found.Hosts, found.Fields["token"], found.Fields["token"].Reveal())
	// Output: [api.example.com] [redacted] s3cret
}
