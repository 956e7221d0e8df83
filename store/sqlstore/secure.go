package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// A grant says what the roles may do with a table; "": nothing.
type grant struct {
	table, api, engine, identity string

	own string // whether a row is the workspace's, as SQL; "": it has a column that says so
}

func grants() []grant {
	const (
		all  = "SELECT, INSERT, UPDATE, DELETE"
		look = "SELECT"
	)
	return slices.Concat(identityGrants(), []grant{
		{table: "documents", api: "SELECT, INSERT, UPDATE", engine: all},
		{table: "runs", api: "SELECT, UPDATE", engine: all},
		{table: "steps", api: look, engine: all},
		{table: "node_runs", api: look, engine: all},
		{table: "logs", api: look, engine: all},
		{table: "messages", api: "SELECT, INSERT", engine: all},
		{table: "slots", api: look, engine: all},
		{table: "freed", api: "INSERT", engine: all},
		{table: "gatherings", api: look, engine: all},
		{table: "quotas", api: all, engine: look},
		{table: "tasks", api: look, engine: all},
		{table: "blobs", api: "SELECT, INSERT, UPDATE", engine: all},
		{table: "blob_refs", api: "SELECT, INSERT", engine: all},
		{table: "litter", api: "SELECT, INSERT, UPDATE", engine: all},
		{table: "workflows", api: all, engine: look},
		{table: "versions", api: all, engine: look},
		{table: "variables", api: all, engine: look},
		{table: "schedules", api: all, engine: all},
		{table: "jobs", api: "SELECT, UPDATE", engine: all},
		{table: "retention", api: all, engine: look},
	})
}

// identityGrants are those of what is kept of identity. Of users a workspace sees its members, and never what proves
// who they are. Nobody changes the audit log.
func identityGrants() []grant {
	const (
		all    = "SELECT, INSERT, UPDATE, DELETE"
		add    = "SELECT, INSERT"
		member = "EXISTS (SELECT FROM members m WHERE m.user_id = users.id AND m.workspace = " + setting + ")"
	)
	return []grant{
		{table: "users", api: "SELECT (id, kind, email, name, disabled)", identity: all, own: member},
		{table: "user_links", identity: all},
		{table: "workspaces", api: "SELECT, UPDATE", identity: all, own: "id = " + setting},
		{table: "members", api: all, identity: all},
		{table: "invitations", api: all, identity: all},
		{table: "sessions", identity: all},
		{table: "spent_tokens", identity: all},
		{table: "one_times", identity: all},
		{table: "api_keys", api: all, identity: all},
		{table: "signing_keys", identity: all},
		{table: "data_keys", api: all, identity: all},
		{table: "credentials", api: all},
		{table: "audit", api: add, identity: add},
		{table: "audit_heads", api: add + ", UPDATE", identity: add + ", UPDATE"},
	}
}

// setting is the workspace of a transaction of flowforge_api. Rows of the workspace "" are the installation's: a
// transaction that has set none sees none of them.
const setting = "nullif(current_setting('flowforge.workspace', true), '')"

// makeRoles makes the roles and lets the login take them, where it may. Roles are of the whole server, so that
// others may make them at this moment for another database.
const makeRoles = `DO $$
DECLARE wanted text;
BEGIN
	FOREACH wanted IN ARRAY ARRAY['` + roleAPI + `', '` + roleEngine + `', '` + roleIdentity + `'] LOOP
		FOR attempt IN 1..20 LOOP
			BEGIN
				IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
					EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
				END IF;
				IF NOT EXISTS (
					SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
					WHERE r.rolname = wanted AND u.rolname = current_user
				) THEN
					EXECUTE format('GRANT %I TO %I', wanted, current_user);
				END IF;
				EXIT;
			EXCEPTION
				WHEN insufficient_privilege THEN EXIT;
				WHEN duplicate_object OR unique_violation OR internal_error THEN PERFORM pg_sleep(0.05);
			END;
		END LOOP;
	END LOOP;
END $$`

// mayTake asks whether the login can take all roles, and which tables are secured.
const mayTake = `SELECT
	(SELECT count(*) FROM pg_roles WHERE rolname IN ('` + roleAPI + `', '` + roleEngine + `', '` + roleIdentity + `')
		AND pg_has_role(oid, 'MEMBER')),
	(SELECT count(*) FROM pg_class WHERE relforcerowsecurity AND relnamespace = current_schema()::regnamespace AND relname IN (`

// secure turns row-level security on, where the login may make roles.
func (s *Store) secure(ctx context.Context) error {
	if s.dialect.lite || s.cfg.Owner {
		return nil
	}
	x := s.engine()
	defer x.close(ctx)
	tables := make([]string, 0, len(grants()))
	for _, g := range grants() {
		tables = append(tables, g.table)
	}
	state := &call{text: mayTake + literals(tables) + `))`, returns: true, adhoc: true}
	if err := s.lockSchema(ctx, x); err != nil {
		return err
	}
	if err := x.run(ctx, exec(makeRoles, nil), state); err != nil {
		return err
	}
	member := state.out[0].int() == 3
	secured := state.out[0].int()
	switch {
	case !member && secured > 0:
		return flowforge.Errorf(flowforge.CodeUnsupported,
			"the database has row-level security: make the roles %s, %s and %s and grant them to its user",
			roleAPI, roleEngine, roleIdentity)
	case !member:
		return x.commit(ctx)
	case secured == int64(len(tables)):
		s.rls = true
		return x.commit(ctx)
	}
	calls := []*call{exec(policies(), nil)}
	if err := x.commit(ctx, calls...); err != nil {
		return err
	}
	s.rls = true
	return nil
}

// policies secures the tables; done twice it is the same as once.
func policies() string {
	var b strings.Builder
	b.WriteString("DO $$ BEGIN\n")
	b.WriteString("EXECUTE format('GRANT USAGE ON SCHEMA %I TO " + roleAPI + ", " + roleEngine + ", " + roleIdentity +
		"', current_schema());\n")
	b.WriteString("GRANT SELECT ON type_sets TO " + roleAPI + ";\nGRANT SELECT, INSERT ON type_sets TO " + roleEngine + ";\n")
	for _, g := range grants() {
		if g.own == "" {
			g.own = "workspace = " + setting
		}
		b.WriteString("ALTER TABLE " + g.table + " ENABLE ROW LEVEL SECURITY;\nALTER TABLE " + g.table + " FORCE ROW LEVEL SECURITY;\n")
		for _, to := range []struct{ name, role, rights, rows string }{
			{"api", roleAPI, g.api, g.own}, {"engine", roleEngine, g.engine, "true"}, {"identity", roleIdentity, g.identity, "true"},
		} {
			b.WriteString("DROP POLICY IF EXISTS " + to.name + " ON " + g.table + ";\n")
			if to.rights == "" {
				continue
			}
			b.WriteString("GRANT " + to.rights + " ON " + g.table + " TO " + to.role + ";\n")
			b.WriteString("CREATE POLICY " + to.name + " ON " + g.table + " TO " + to.role + " USING (" + to.rows + ") WITH CHECK (" +
				to.rows + ");\n")
		}
	}
	b.WriteString("END $$")
	return b.String()
}
