package flowforge

import (
	"fmt"
	"strings"
)

// DidYouMean gives `: did you mean "x"?` for the known word nearest to a mistyped one, or "" where none is
// near enough to be a likely slip. Capital and small letters count as equal.
func DidYouMean(word string, known []string) string {
	limit := (len(word) + 2) / 4
	best, nearest := limit+1, ""
	for _, candidate := range known {
		if d := editDistance(strings.ToLower(word), strings.ToLower(candidate), limit); d < best {
			best, nearest = d, candidate
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", nearest)
}

// editDistance counts the insertions, deletions, replacements and swaps of neighbours between a and b
// (optimal string alignment); above limit it may stop counting.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
