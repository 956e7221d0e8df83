package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/store"
)

// Credentials is what people do with credentials, and where nodes get them. What is in one leaves it in one direction
// only: to the node that uses it (S19).
type Credentials struct {
	vault *Vault
	kept  auth.Credentials
}

// NewCredentials makes Credentials over what is kept.
func NewCredentials(vault *Vault, kept auth.Credentials) *Credentials {
	return &Credentials{vault: vault, kept: kept}
}

// A Content is what a person says about a credential.
type Content struct {
	Name   string
	Type   string                      // one of Types
	Hosts  []string                    // where it may be sent, such as "api.example.com" or "10.0.0.7:8443"; empty: anywhere
	Fields map[string]flowforge.Secret // nil, in a change: they stay
}

// Create keeps a credential in the workspace of a principal. What it gives has no fields.
func (c *Credentials) Create(ctx context.Context, p *auth.Principal, content Content) (auth.Credential, error) {
	if err := p.Require(auth.CredentialEdit); err != nil {
		return auth.Credential{}, err
	}
	now := c.vault.cfg.Now().UTC().Truncate(time.Microsecond)
	made := auth.Credential{
		ID: auth.CredentialID(store.NewID(now)), Workspace: p.Workspace, CreatedBy: p.User, CreatedAt: now, Revision: 1,
	}
	if content.Fields == nil {
		content.Fields = map[string]flowforge.Secret{}
	}
	if err := c.fill(ctx, &made, content, nil); err != nil {
		return auth.Credential{}, err
	}
	err := c.kept.CreateCredential(ctx, made, c.entry(ctx, p, "credential.create", made))
	return bare(made), err
}

// List gives the credentials of a principal's workspace in order of their names, without their fields.
func (c *Credentials) List(ctx context.Context, p *auth.Principal, after string, limit int) ([]auth.Credential, error) {
	if err := p.Require(auth.CredentialRead); err != nil {
		return nil, err
	}
	return c.kept.ListCredentials(ctx, p.Workspace, after, limit)
}

// Get gives a credential without its fields.
func (c *Credentials) Get(ctx context.Context, p *auth.Principal, id auth.CredentialID) (auth.Credential, error) {
	if err := p.Require(auth.CredentialRead); err != nil {
		return auth.Credential{}, err
	}
	found, err := c.kept.Credential(ctx, p.Workspace, id)
	return bare(found), err
}

// Update replaces what a credential says, where it has a revision; 0: any. Another is flowforge.CodeChanged. Other hosts or
// another type take new fields: who may edit a credential must not learn it by sending it elsewhere.
func (c *Credentials) Update(
	ctx context.Context, p *auth.Principal, id auth.CredentialID, revision int64, content Content,
) (auth.Credential, error) {
	if err := p.Require(auth.CredentialEdit); err != nil {
		return auth.Credential{}, err
	}
	old, err := c.kept.Credential(ctx, p.Workspace, id)
	if err != nil {
		return auth.Credential{}, err
	}
	if revision != 0 && old.Revision != revision {
		return auth.Credential{}, flowforge.Errorf(flowforge.CodeChanged, "the credential was changed by someone else: read it again")
	}
	var fields []byte
	if content.Fields == nil {
		if fields, err = c.vault.openCredential(ctx, old); err != nil {
			return auth.Credential{}, err
		}
	}
	made := old
	made.Revision++
	if err := c.fill(ctx, &made, content, fields); err != nil {
		return auth.Credential{}, err
	}
	if content.Fields == nil && (made.Type != old.Type || wider(made.Hosts, old.Hosts)) {
		return auth.Credential{}, flowforge.Errorf(flowforge.CodeInvalidInput, "give the fields again: the type or the hosts are others")
	}
	return bare(made), c.kept.UpdateCredential(ctx, made, c.entry(ctx, p, "credential.update", made))
}

// wider reports whether something may be sent where it was not.
func wider(hosts, before []string) bool {
	if len(before) == 0 {
		return false
	}
	return len(hosts) == 0 || slices.ContainsFunc(hosts, func(host string) bool { return !slices.Contains(before, host) })
}

// Delete forgets a credential of a revision; 0: of any.
func (c *Credentials) Delete(ctx context.Context, p *auth.Principal, id auth.CredentialID, revision int64) error {
	if err := p.Require(auth.CredentialEdit); err != nil {
		return err
	}
	return c.kept.DeleteCredential(ctx, p.Workspace, id, revision,
		c.entry(ctx, p, "credential.delete", auth.Credential{ID: id}))
}

// MayUse refuses a principal who may not use credentials, and names that their workspace has none of: what a document
// says is checked when it is saved (S8).
func (c *Credentials) MayUse(ctx context.Context, p *auth.Principal, names ...string) error {
	if err := p.Require(auth.CredentialUse); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := c.kept.CredentialByName(ctx, p.Workspace, name); err != nil {
			return err
		}
	}
	return nil
}

// A Use decides whether a run in a workspace that acts for a user may have a credential. Nobody, "", is who publishes and
// starts without being a user: the program that embeds the engine, and the command line.
type Use func(ctx context.Context, workspace flowforge.Workspace, user auth.UserID, credential auth.Credential) error

// Source gives credentials to nodes, after use has let each pass (S8). It is what engine.Config.Credentials takes.
func (c *Credentials) Source(use Use) nodes.Credentials { return source{c, use} }

type source struct {
	credentials *Credentials
	use         Use
}

// Credential gives a credential with its fields.
func (s source) Credential(ctx context.Context, request nodes.CredentialRequest) (nodes.Credential, error) {
	workspace, name := request.Workspace, request.Name
	found, err := s.credentials.kept.CredentialByName(ctx, workspace, name)
	if flowforge.CodeOf(err) == flowforge.CodeNotFound {
		return nodes.Credential{}, flowforge.Errorf(flowforge.CodeCredential, "there is no credential named %q", name)
	}
	if err != nil {
		return nodes.Credential{}, err
	}
	if err := s.use(ctx, workspace, auth.UserID(request.ActsFor), bare(found)); err != nil {
		return nodes.Credential{}, flowforge.Errorf(flowforge.CodeCredential, "the credential %q may not be used here: %w", name, err)
	}
	secret, err := s.credentials.vault.openCredential(ctx, found)
	if err != nil {
		return nodes.Credential{}, err
	}
	var texts map[string]string
	if err := json.Unmarshal(secret, &texts); err != nil {
		return nodes.Credential{}, cannotOpen("it does not hold fields")
	}
	fields := make(map[string]flowforge.Secret, len(texts))
	for field, text := range texts {
		fields[field] = flowforge.NewSecret(text)
	}
	return nodes.Credential{Name: found.Name, Type: found.Type, Hosts: found.Hosts, Fields: fields}, nil
}

// fill checks a content and seals it; fields are what is sealed already where it gives none.
func (c *Credentials) fill(ctx context.Context, into *auth.Credential, content Content, fields []byte) error {
	hosts, err := checked(content)
	if err != nil {
		return err
	}
	into.Name, into.Type, into.Hosts = content.Name, content.Type, hosts
	into.ChangedAt = c.vault.cfg.Now().UTC().Truncate(time.Microsecond)
	if content.Fields != nil {
		texts := make(map[string]string, len(content.Fields))
		for field, secret := range content.Fields {
			texts[field] = secret.Reveal()
		}
		if fields, err = json.Marshal(texts); err != nil {
			return fmt.Errorf("write fields: %w", err)
		}
	}
	into.DataKey, into.Sealed, err = c.vault.sealCredential(ctx, *into, fields)
	return err
}

const (
	mostFields = 32
	mostOctets = 64 << 10
	mostHosts  = 100
)

// checked refuses what is no credential, and gives its hosts in lower case.
func checked(content Content) ([]string, error) {
	if err := auth.CheckName(content.Name); err != nil {
		return nil, err
	}
	of, err := typeNamed(content.Type)
	if err != nil {
		return nil, err
	}
	if content.Fields != nil {
		if err := of.takes(content.Fields); err != nil {
			return nil, err
		}
	}
	size := 0
	for field, secret := range content.Fields {
		size += len(field) + len(secret.Reveal())
	}
	switch {
	case len(content.Fields) > mostFields || size > mostOctets:
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput, "a credential has at most %d fields, of %d octets in all",
			mostFields, mostOctets)
	case len(content.Hosts) > mostHosts:
		return nil, flowforge.Errorf(CodeHosts, "a credential has at most %d hosts", mostHosts)
	}
	var hosts []string
	for i, host := range content.Hosts {
		host = strings.ToLower(host)
		if !isHost(host) {
			return nil, flowforge.Errorf(CodeHosts, "host %d is none: write it as api.example.com or api.example.com:8443", i+1)
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

var hostName = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

// isHost takes names and addresses, with a port or without, and all names below one: *.example.com.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	if _, err := netip.ParseAddrPort(text); err == nil {
		return true
	}
	name, port, found := strings.Cut(strings.TrimPrefix(text, "*."), ":")
	if found {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	const longest = 253 // RFC 1035, section 2.3.4
	return len(name) <= longest && hostName.MatchString(name)
}

// sealCredential binds fields to the workspace, the credential, its type, its hosts and its revision (S18): nobody who
// writes to the database moves them to another, or back to what was, or lets them be sent elsewhere.
func (v *Vault) sealCredential(ctx context.Context, c auth.Credential, fields []byte) (int64, []byte, error) {
	return v.seal(ctx, c.Workspace, fields, credentialBinding(c)...)
}

func (v *Vault) openCredential(ctx context.Context, c auth.Credential) ([]byte, error) {
	return v.open(ctx, c.Workspace, c.DataKey, c.Sealed, credentialBinding(c)...)
}

func credentialBinding(c auth.Credential) []string {
	return append([]string{"credential", string(c.ID), c.Type, strconv.FormatInt(c.Revision, 10)}, c.Hosts...)
}

// bare is a credential without what is sealed.
func bare(c auth.Credential) auth.Credential {
	c.Sealed = nil
	return c
}

func (c *Credentials) entry(ctx context.Context, p *auth.Principal, action string, of auth.Credential) auth.Entry {
	client := auth.ClientOf(ctx)
	e := auth.Entry{
		Workspace: p.Workspace, At: c.vault.cfg.Now(), Kind: p.Kind, User: p.User, Session: p.Session, Key: p.Key,
		Action: action, Target: string(of.ID), Address: client.Address, Request: client.Request,
	}
	if of.Name != "" {
		e.Detail = map[string]string{"name": of.Name, "type": of.Type, "hosts": strings.Join(of.Hosts, " ")}
	}
	return e
}
