package identity_test

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/auth/token"
	"github.com/flowforge-go/flowforge/auth/vault"
	"github.com/flowforge-go/flowforge/store/memory"
)

// A service over a store: the first admin has a token, signs in, and is who their access token says.
func ExampleService() {
	ctx := context.Background()
	stores := memory.New(memory.Config{})
	root, _, err := vault.NewKey(rand.Reader) // a server keeps it in a file
	if err != nil {
		panic(err)
	}
	sealer, err := vault.New(stores, root, vault.Config{})
	if err != nil {
		panic(err)
	}
	pepper := make([]byte, 32)
	_, _ = rand.Read(pepper) // never fails
	people, err := identity.New(stores, token.New(stores, sealer, token.Config{}), sealer, pepper, identity.Config{})
	if err != nil {
		panic(err)
	}
	defer people.Close()

	first, err := people.FirstAdmin(ctx)
	if err != nil {
		panic(err)
	}
	ada := identity.NewUser{Email: "ada@example.com", Name: "Ada", Password: "seven green bicycles"}
	if _, err := people.ClaimFirstAdmin(ctx, first, ada, "Acme"); err != nil {
		panic(err)
	}
	tokens, err := people.SignIn(ctx, identity.SignIn{Email: ada.Email, Password: ada.Password})
	if err != nil {
		panic(err)
	}
	who, err := people.Authenticate(ctx, tokens.Access)
	if err != nil {
		panic(err)
	}
	fmt.Println(who.Name, who.Role, who.Admin)
	// Output: Ada owner true
}
