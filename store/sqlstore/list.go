package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/store"
)

const listHeader = `{with workspace:text workflow:text origin:text from_at:bigint to_at:bigint before_at:bigint before:text}`

// List gives runs without their input, vars and output, newest first.
func (s *Store) List(
	ctx context.Context, workspace flowforge.Workspace, filter store.Filter,
) ([]flowforge.Run, error) {
	var before int64
	if filter.Before != "" {
		_, created, err := s.ofRun(ctx, "list runs", workspace, filter.Before)
		if err != nil {
			return nil, err
		}
		before = created.UnixMicro()
	}
	for _, status := range filter.Statuses {
		if err := checkText(string(status)); err != nil {
			return nil, err
		}
	}
	list := query(listText(&filter), [][]any{{
		string(workspace), filter.Workflow, string(filter.Origin), instant(filter.From), instant(filter.To),
		before, string(filter.Before),
	}})
	if err := s.read(ctx, "list runs", string(workspace), list); err != nil {
		return nil, err
	}
	var runs []flowforge.Run
	for i := range list.out {
		runs = append(runs, list.out[i].run())
		if err := list.out[i].err; err != nil {
			return nil, s.failure(ctx, "list runs", err)
		}
	}
	return runs, nil
}

// listText gives the statement for a filter. What it compares with are single values for the planner, so that an
// index gives the order.
func listText(filter *store.Filter) string {
	where := []string{`r.workspace = (SELECT workspace FROM s)`}
	add := func(wanted bool, condition string) {
		if wanted {
			where = append(where, condition)
		}
	}
	add(filter.Workflow != "", `r.workflow_name = (SELECT workflow FROM s)`)
	add(filter.Origin != "", `r.origin_run = (SELECT origin FROM s)`)
	add(!filter.From.IsZero(), `r.created_at >= (SELECT from_at FROM s)`)
	add(!filter.To.IsZero(), `r.created_at < (SELECT to_at FROM s)`)
	add(filter.Before != "", `(r.created_at, r.id) < ((SELECT before_at FROM s), (SELECT before FROM s))`)
	if len(filter.Statuses) > 0 {
		statuses := make([]string, len(filter.Statuses))
		for i, status := range filter.Statuses {
			statuses[i] = string(status)
		}
		where = append(where, `r.status IN (`+literals(statuses)+`)`)
		// What the index runs_live leaves out.
		add(!slices.Contains(filter.Statuses, flowforge.RunSucceeded), `r.status NOT IN ('succeeded')`)
	}
	return listHeader + ` SELECT ` + listed + ` FROM runs r WHERE ` + strings.Join(where, " AND ") +
		` ORDER BY r.created_at DESC, r.id DESC` + page(filter.Limit)
}
