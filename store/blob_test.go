package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/store"
)

func TestHashesAreWordsOf64HexadecimalDigits(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("0123456789abcdef", 4), strings.Repeat("f", 64)
	for text, want := range map[string][]string{
		"":                                       nil,
		a:                                        {a},
		`{"sha256":"` + a + `","x":"` + b + `"}`: {a, b},
		"@" + b:                                  {b},
		"/blobs/" + a + "/" + a:                  {a, a},
		"f" + a[1:] + "g" + b + "-" + a[1:]:      {"f" + a[1:], b},
		a[1:]:                                    nil,
		a + "0":                                  nil,
		strings.ToUpper(a):                       nil,
	} {
		require.Equal(t, want, slices.Collect(store.Hashes([]byte(text))), text)
	}
	for hash := range store.Hashes([]byte(a + " " + b)) {
		require.Equal(t, a, hash)
		break
	}
}
