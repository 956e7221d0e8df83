package token_test

import (
	"context"
	"fmt"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth/token"
)

// An access token says whose it is; one that was changed is refused.
func ExampleIssuer() {
	ctx := context.Background()
	issuer := token.New(&shelf{}, plain{}, token.Config{})
	access, _, err := issuer.Sign(ctx, token.Claims{User: "ada", Session: "s1", Workspace: "acme", Version: 1})
	if err != nil {
		panic(err)
	}
	claims, err := issuer.Verify(ctx, access)
	if err != nil {
		panic(err)
	}
	_, err = issuer.Verify(ctx, access[:len(access)-4]+"AAAA")
	fmt.Println(claims.User, claims.Workspace, flowforge.CodeOf(err))
	// Output: ada acme unauthenticated
}
