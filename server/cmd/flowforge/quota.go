package main

import (
	"context"
	"strconv"

	"github.com/flowforge-go/flowforge/engine"
	"github.com/flowforge-go/flowforge/server/cmd/flowforge/human"
	"github.com/flowforge-go/flowforge/store"
)

// quotaCommand is `flowforge quota`.
type quotaCommand struct {
	storeFlags
	Weight  *int `placeholder:"N" help:"Its share of what workers take, beside other workspaces whose runs wait: 1 to 100; 0: 1 again."`
	Queued  *int `placeholder:"N" help:"How many runs may wait for their first worker; more starts are refused. 0: any number."`
	Running *int `placeholder:"N" help:"How many runs may be in progress; more wait. 0: any number."`
	JSON    bool `name:"json" help:"Print JSON: {weight, queued, running}."`
}

// Run shows a workspace's quota, after it was changed where that is wanted.
func (q *quotaCommand) Run(con *console) error {
	ctx := context.Background()
	s, err := q.look(ctx, con)
	if err != nil {
		return err
	}
	defer s.close()
	quota, err := s.engine.Quota(ctx, s.workspace)
	if err != nil {
		return &exit{status: exitFailed, cause: err}
	}
	changed := quota
	for _, field := range []struct{ wish, into *int }{
		{q.Weight, &changed.Weight}, {q.Queued, &changed.Queued}, {q.Running, &changed.Running},
	} {
		if field.wish != nil {
			*field.into = *field.wish
		}
	}
	if changed != quota {
		if changed.Weight < 0 || changed.Weight > engine.MaxWeight || changed.Queued < 0 || changed.Running < 0 {
			return usage("--weight is from 1 to %d, --queued and --running cannot be negative", engine.MaxWeight)
		}
		if err := s.engine.SetQuota(s.telling(ctx, "quota.set"), s.workspace, changed); err != nil {
			return &exit{status: exitFailed, cause: err}
		}
	}
	if q.JSON {
		return con.printJSON(changed)
	}
	return human.Table(con.out, quotaRows(changed))
}

func quotaRows(quota store.Quota) [][]string {
	number := func(n int, none string) string {
		if n == 0 {
			return none
		}
		return strconv.Itoa(n)
	}
	return [][]string{
		{"WEIGHT", "QUEUED", "RUNNING"},
		{strconv.Itoa(max(quota.Weight, 1)), number(quota.Queued, "any"), number(quota.Running, "any")},
	}
}
