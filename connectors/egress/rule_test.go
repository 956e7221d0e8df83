package egress_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge/connectors/egress"
)

func TestParseRule(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"10.0.0.0/8:5432", "10.0.0.0/8:5432"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"10.1.2.3:80", "10.1.2.3/32:80"},
		{"fd00::/8", "fd00::/8"},
		{"[fd00::/8]:443", "[fd00::/8]:443"},
		{"[::1]:443", "[::1/128]:443"},
		{"[fd00::/8]", "fd00::/8"},
		{"0.0.0.0/0", "0.0.0.0/0"},
	} {
		rule, err := egress.ParseRule(test.text)
		require.NoError(t, err, test.text)
		require.Equal(t, test.want, rule.String())
		text, err := rule.MarshalText()
		require.NoError(t, err)
		var again egress.Rule
		require.NoError(t, again.UnmarshalText(text))
		require.Equal(t, rule, again)
	}
}

func TestParseRuleSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"", "not an IP address"},
		{"db.internal", "names cannot be allowed"},
		{"db.internal:5432", "names cannot be allowed"},
		{"10.0.0.0/33", "from 0 to 32"},
		{"fd00::/129", "from 0 to 128"},
		{"10.0.0.0/8:", "port after the colon is missing"},
		{"10.0.0.0/8:0", "from 1 to 65535"},
		{"10.0.0.0/8:65536", "from 1 to 65535"},
		{"10.0.0.0/8:http", "from 1 to 65535"},
		{"10.0.0.1/8", "did you mean 10.0.0.0/8 or 10.0.0.1/32?"},
		{"fd00::/8:443", "[range]:port"},
		{"[fd00::/8", "[range]:port"},
		{"[fd00::/8]443", "[range]:port"},
		{"[fd00::/8]:", "[range]:port"},
		{"fe80::1%eth0/64", "zone"},
		{"::ffff:10.0.0.0/104", "write an IPv4 range as such"},
		{"010.0.0.0/8", "not an IP address"},
	} {
		_, err := egress.ParseRule(test.text)
		require.ErrorContains(t, err, test.want, test.text)
		require.ErrorContains(t, err, "is not an egress rule")
	}
}
