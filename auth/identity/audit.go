package identity

import (
	"bytes"
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// Audit gives entries of the audit log of a principal's workspace in order, those after a number.
func (s *Service) Audit(ctx context.Context, p *auth.Principal, after int64, limit int) ([]auth.Entry, error) {
	if err := p.Require(auth.AuditRead); err != nil {
		return nil, err
	}
	return s.stores.ListAudit(ctx, p.Workspace, after, limit)
}

// InstallationAudit gives entries that belong to no workspace, for an admin.
func (s *Service) InstallationAudit(ctx context.Context, p *auth.Principal, after int64, limit int) ([]auth.Entry, error) {
	if err := s.admin(p); err != nil {
		return nil, err
	}
	return s.stores.ListAudit(ctx, "", after, limit)
}

// VerifyAudit reads the whole audit log of a workspace, or of the installation where it is "", and gives how many
// entries it has. auth.CodeTampered tells of the first that is not what was written (S32). It is for who looks after
// the installation: it asks nobody for permission.
func (s *Service) VerifyAudit(ctx context.Context, workspace flowforge.Workspace) (int64, error) {
	head, hash, err := s.stores.AuditHead(ctx, workspace) // first, since the log may grow meanwhile
	if err != nil {
		return 0, err
	}
	const page = 500
	var last *auth.Entry
	for checked := int64(0); ; {
		entries, err := s.stores.ListAudit(ctx, workspace, checked, page)
		if err != nil {
			return 0, err
		}
		for i := range entries {
			if !entries[i].Intact(last) {
				return 0, flowforge.Errorf(auth.CodeTampered, "audit entry %d is not what was written, or one before it is missing", checked+1)
			}
			last = &entries[i]
			checked++
			if checked == head && !bytes.Equal(last.Hash, hash) {
				return 0, flowforge.Errorf(auth.CodeTampered, "the audit log was written anew up to entry %d", head)
			}
		}
		if len(entries) < page {
			if checked < head {
				return 0, flowforge.Errorf(auth.CodeTampered, "the audit log ends with entry %d, and had %d", checked, head)
			}
			return checked, nil
		}
	}
}
