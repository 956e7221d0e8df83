package sqlstore

import (
	"context"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// A grant says what the two roles may do with a table.
type grant struct{ table, api, engine string }

func grants() []grant {
	const (
		all  = "SELECT, INSERT, UPDATE, DELETE"
		look = "SELECT"
	)
	return []grant{
		{"documents", "SELECT, INSERT, UPDATE", all},
		{"runs", "SELECT, UPDATE", all},
		{"steps", look, all},
		{"node_runs", look, all},
		{"logs", look, all},
		{"messages", "SELECT, INSERT", all},
		{"slots", look, all},
		{"freed", "INSERT", all},
		{"gatherings", look, all},
		{"quotas", all, look},
		{"tasks", look, all},
		{"blobs", "SELECT, INSERT, UPDATE", all},
		{"blob_refs", "SELECT, INSERT", all},
		{"litter", "SELECT, INSERT, UPDATE", all},
		{"workflows", all, look},
		{"versions", all, look},
		{"variables", all, look},
		{"schedules", all, all},
		{"jobs", "SELECT, UPDATE", all},
		{"retention", all, look},
	}
}

// makeRoles makes the roles and lets the login take them, where it may. Roles are of the whole server, so that
// others may make them at this moment for another database.
const makeRoles = `DO $$
DECLARE wanted text;
BEGIN
	FOREACH wanted IN ARRAY ARRAY['` + roleAPI + `', '` + roleEngine + `'] LOOP
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

// mayTake asks whether the login can take both roles, and which tables are secured.
const mayTake = `SELECT
	(SELECT count(*) FROM pg_roles WHERE rolname IN ('` + roleAPI + `', '` + roleEngine + `') AND pg_has_role(oid, 'MEMBER')),
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
	member := state.out[0].int() == 2
	secured := state.out[0].int()
	switch {
	case !member && secured > 0:
		return flowforge.Errorf(flowforge.CodeUnsupported,
			"the database has row-level security: grant the roles %s and %s to its user", roleAPI, roleEngine)
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
	b.WriteString("EXECUTE format('GRANT USAGE ON SCHEMA %I TO " + roleAPI + ", " + roleEngine + "', current_schema());\n")
	b.WriteString("GRANT SELECT ON type_sets TO " + roleAPI + ";\nGRANT SELECT, INSERT ON type_sets TO " + roleEngine + ";\n")
	for _, g := range grants() {
		const own = "workspace = current_setting('flowforge.workspace', true)"
		for _, text := range []string{
			"GRANT " + g.api + " ON " + g.table + " TO " + roleAPI,
			"GRANT " + g.engine + " ON " + g.table + " TO " + roleEngine,
			"ALTER TABLE " + g.table + " ENABLE ROW LEVEL SECURITY",
			"ALTER TABLE " + g.table + " FORCE ROW LEVEL SECURITY",
			"DROP POLICY IF EXISTS api ON " + g.table,
			"DROP POLICY IF EXISTS engine ON " + g.table,
			"CREATE POLICY api ON " + g.table + " TO " + roleAPI + " USING (" + own + ") WITH CHECK (" + own + ")",
			"CREATE POLICY engine ON " + g.table + " TO " + roleEngine + " USING (true) WITH CHECK (true)",
		} {
			b.WriteString(text + ";\n")
		}
	}
	b.WriteString("END $$")
	return b.String()
}
