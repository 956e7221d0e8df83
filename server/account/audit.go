package account

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/server/rest"
)

// entryView is an entry of the audit log.
type entryView struct {
	Seq     int64             `json:"seq" doc:"From 1, without a gap."`
	At      time.Time         `json:"at"`
	Kind    auth.Kind         `json:"kind,omitempty" doc:"Of who did it; absent: nobody who had signed in."`
	User    auth.UserID       `json:"user,omitempty"`
	Session auth.SessionID    `json:"session,omitempty"`
	Key     auth.KeyID        `json:"key,omitempty" doc:"The API key that they did it with."`
	Action  string            `json:"action" example:"member.role"`
	Target  string            `json:"target,omitempty" doc:"The id or name of what was changed."`
	Detail  map[string]string `json:"detail,omitempty"`
	Address string            `json:"address,omitempty" doc:"From where the request came."`
	Request string            `json:"request,omitempty" doc:"Its id."`
	Prev    string            `json:"prev,omitempty" doc:"The hash of the entry before."`
	Hash    string            `json:"hash" doc:"SHA-256 of all of this."`
}

func viewOfEntry(e *auth.Entry) entryView {
	return entryView{
		Seq: e.Seq, At: e.At, Kind: e.Kind, User: e.User, Session: e.Session, Key: e.Key, Action: e.Action, Target: e.Target,
		Detail: e.Detail, Address: e.Address, Request: e.Request, Prev: hex.EncodeToString(e.Prev), Hash: hex.EncodeToString(e.Hash),
	}
}

// verdictView is what a check of the log came to.
type verdictView struct {
	Intact  bool   `json:"intact"`
	Entries int64  `json:"entries" doc:"How many there are, or were read up to the first that is not what was written."`
	Detail  string `json:"detail,omitempty" doc:"Which entry is not what was written."`
}

func (s *service) addAudit() {
	const tag = "audit"
	rest.Add(s.api, about(http.MethodGet, "/audit", "list-audit", tag, "List the audit log", "The oldest first.",
		rest.Requires(auth.AuditRead)), s.audit)
	rest.Add(s.api, about(http.MethodGet, "/audit/verification", "verify-audit", tag, "Check the audit log",
		"Whether each entry is the one that was written. It reads the whole log.", rest.Requires(auth.AuditRead)), s.verifyAudit)
	rest.Add(s.api, about(http.MethodGet, "/admin/audit", "list-installation-audit", tag, "List the audit log of the installation",
		"What belongs to no workspace: users and their sessions.", rest.Admin()), s.installationAudit)
}

type readEntries func(ctx context.Context, p *auth.Principal, after int64, limit int) ([]auth.Entry, error)

func entries(ctx context.Context, c *rest.Call, in *rest.Paging, kind string, read readEntries) (*rest.Listed[entryView], error) {
	after, err := in.Position(kind)
	if err != nil {
		return nil, err
	}
	found, err := read(ctx, c.Who, int64(after), in.Limit+1)
	return rest.Page(in, kind, found, viewOfEntry, func(last *auth.Entry, _ int) string { return strconv.FormatInt(last.Seq, 10) }), err
}

func (s *service) audit(ctx context.Context, c *rest.Call, in *rest.Paging, _ *rest.None) (*rest.Listed[entryView], error) {
	return entries(ctx, c, in, "audit", s.Identity.Audit)
}

func (s *service) installationAudit(ctx context.Context, c *rest.Call, in *rest.Paging, _ *rest.None) (*rest.Listed[entryView], error) {
	return entries(ctx, c, in, "installation-audit", s.Identity.InstallationAudit)
}

func (s *service) verifyAudit(ctx context.Context, c *rest.Call, _ *struct{}, _ *rest.None) (*rest.Answer[verdictView], error) {
	read, err := s.Identity.VerifyAudit(ctx, c.Workspace())
	verdict := verdictView{Intact: err == nil, Entries: read}
	if found, is := errors.AsType[*flowforge.Error](err); is && found.Code == auth.CodeTampered {
		verdict.Detail, err = found.Error(), nil
	}
	return rest.AnswerOf(verdict), err
}
