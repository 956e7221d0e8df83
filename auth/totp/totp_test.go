package totp_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/auth/totp"
)

// The test vectors of RFC 6238, appendix B, for SHA-1, whose last six digits count here.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		require.Equal(t, want, totp.Code(secret, time.Unix(at, 0)))
	}
}

func TestACodeCountsOnceAndForAWhile(t *testing.T) {
	t.Parallel()
	secret, err := totp.NewSecret(rand.Reader)
	require.NoError(t, err)
	now := time.Unix(1_800_000_000, 0)
	code := totp.Code(secret, now)
	for name, test := range map[string]struct {
		later time.Duration
		want  bool
	}{
		"now": {0, true}, "a step later": {30 * time.Second, true}, "a step early": {-30 * time.Second, true},
		"two later": {time.Minute, false}, "two early": {-time.Minute, false},
	} {
		_, right := totp.Check(secret, code, now.Add(test.later), 0)
		require.Equal(t, test.want, right, name)
	}
	step, right := totp.Check(secret, code, now, 0)
	require.True(t, right)
	_, right = totp.Check(secret, code, now, step)
	require.False(t, right, "the same code counted twice")
	next := totp.Code(secret, now.Add(30*time.Second))
	_, right = totp.Check(secret, next, now, step)
	require.True(t, right)
	for _, bad := range []string{"", "000", code + "0", " " + code} {
		_, right = totp.Check(secret, bad, now, 0)
		require.False(t, right, "%q", bad)
	}
}

func TestAnAppReadsTheAddress(t *testing.T) {
	t.Parallel()
	require.Equal(t, "otpauth://totp/Flow%20Forge:ada@example.com?algorithm=SHA1&digits=6&issuer=Flow+Forge&period=30&secret=GEZDGNBV",
		totp.URL("Flow Forge", "ada@example.com", []byte("12345")))
	_, err := totp.NewSecret(iotest.ErrReader(errors.New("no chance")))
	require.ErrorContains(t, err, "no chance")
}
