package flowforge_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flowforge-go/flowforge"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0":            0,
		"0s":           0,
		"1.5s":         1500 * time.Millisecond,
		"250ms":        250 * time.Millisecond,
		"2h30m":        150 * time.Minute,
		"7d":           7 * day,
		"1d12h":        36 * time.Hour,
		"1d30ms":       day + 30*time.Millisecond,
		"106751d":      106751 * day,
		"106751d23h":   106751*day + 23*time.Hour,
		"2562047h47m":  2562047*time.Hour + 47*time.Minute,
		"9000000000ns": 9 * time.Second,
	} {
		d, err := flowforge.ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, d.Std(), text)
	}
}

func TestWhatIsNoDuration(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "30", "-1s", "+1s", "1d-1h", "1d+1h", "-1d", "d", "1.5d", "1h2d", "1d1d", "106752d", "106751d24h",
		"99999999999999999999d", "1 s", "one day", "1w", "2562048h",
	} {
		_, err := flowforge.ParseDuration(text)
		require.ErrorContains(t, err, `write a number with its unit, such as "30s"`, text)
	}
}

func TestDurationText(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                                "0s",
		90 * time.Second:                 "1m30s",
		5 * time.Minute:                  "5m",
		10 * time.Hour:                   "10h",
		70 * time.Minute:                 "1h10m",
		time.Hour + time.Second:          "1h0m1s",
		-48 * time.Hour:                  "-48h0m0s",
		24 * time.Hour:                   "1d",
		36 * time.Hour:                   "1d12h",
		time.Duration(math.MaxInt64):     "106751d23h47m16.854775807s",
		7*24*time.Hour + time.Nanosecond: "7d1ns",
	} {
		require.Equal(t, want, flowforge.Duration(d).String())
	}
}

func TestDurationSurvivesItsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := durations().Draw(t, "duration")
		parsed, err := flowforge.ParseDuration(d.String())
		require.NoError(t, err)
		require.Equal(t, d, parsed)

		text, err := json.Marshal(d)
		require.NoError(t, err)
		var decoded flowforge.Duration
		require.NoError(t, json.Unmarshal(text, &decoded))
		require.Equal(t, d, decoded)
	})
}

func TestDurationIsNoNumberInJSON(t *testing.T) {
	t.Parallel()
	var d flowforge.Duration
	require.ErrorContains(t, json.Unmarshal([]byte("30"), &d), `"30" is not a duration`)
	require.ErrorContains(t, json.Unmarshal([]byte(`"soon"`), &d), `"soon" is not a duration`)
}
