package identity

import (
	"context"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// A Guard decides at the moment of use whether a run may have credentials (S8). Workers have one, who need nothing else of
// identity. Its methods may be called from many goroutines.
type Guard struct {
	stores auth.Stores
	now    func() time.Time
	recent recent
}

// NewGuard makes a Guard; now may be nil.
func NewGuard(stores auth.Stores, now func() time.Time) *Guard {
	if now == nil {
		now = time.Now
	}
	return &Guard{stores: stores, now: now}
}

// MayUse refuses a run that acts for somebody who may use no credentials of its workspace any more. It is a vault.Use.
// Nobody may use them: who publishes and starts without being a user is the installation itself.
func (g *Guard) MayUse(ctx context.Context, workspace flowforge.Workspace, user auth.UserID, _ auth.Credential) error {
	if user == "" {
		return nil
	}
	known, err := g.recent.get(g.now(), string(user)+" "+string(workspace), func() (standing, error) {
		member, err := memberOf(ctx, g.stores, workspace, user)
		return standing{member: member}, err
	})
	if err != nil {
		return err
	}
	if known.member.Disabled || !known.member.Role.Permissions().Has(auth.CredentialUse) {
		return flowforge.Errorf(auth.CodeForbidden, "the run acts for %s, who may not use credentials here (any more): "+
			"somebody who may has to publish the workflow again, or start it", user)
	}
	return nil
}
