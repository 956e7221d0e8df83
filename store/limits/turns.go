package limits

import "github.com/flowforge-go/flowforge"

// Turns shares out, one by one, what several workspaces want, in proportion to their weights: each gains its weight in
// each turn, and who has the most takes it and pays for it what all have gained. (This is the smooth weighted
// round-robin of nginx's upstream module.) The zero Turns is ready.
type Turns struct {
	credit map[flowforge.Workspace]int
}

// A Share is a workspace that wants a turn.
type Share struct {
	Workspace flowforge.Workspace
	Weight    int // 0: 1
}

// Next gives the index of who has the turn, among at least one. Who wants none keeps no credit.
func (t *Turns) Next(among []Share) int {
	credit := make(map[flowforge.Workspace]int, len(among))
	best, total := 0, 0
	for i, share := range among {
		weight := max(share.Weight, 1)
		total += weight
		credit[share.Workspace] = t.credit[share.Workspace] + weight
		if credit[share.Workspace] > credit[among[best].Workspace] {
			best = i
		}
	}
	credit[among[best].Workspace] -= total
	t.credit = credit
	return best
}
