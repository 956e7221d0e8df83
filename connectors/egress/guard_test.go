package egress

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

func newGuard(t *testing.T, rules ...string) *guard {
	t.Helper()
	g := &guard{judge: newJudge()}
	for _, text := range rules {
		rule, err := ParseRule(text)
		require.NoError(t, err)
		g.allow = append(g.allow, rule)
	}
	return g
}

// badAddresses is every kind of address that is no public server's.
const badAddresses = `0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1
192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.254 255.255.255.255
:: ::1 ::7f00:1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b::a9fe:a9fe 64:ff9b:1::1 64:ff9b:1:7f00:0:100:: 100::1 100:0:0:1::1
2001::1 2001:0:808:808:8000:63bf:f5ff:fffe 2001:2::1 2001:10::1 2001:1f:ffff::1 2001:20::1 2001:2f::1 2001:db8::1
2001:db8:ffff::1 2002::1 2002:7f00:1::1 2002:808:808::1 3fff::1 3fff:fff::1 4000::1 5f00::1 fc00::1 fd00::1
fd00:ec2::254 fd20:ce::254 fdff:ffff::1 fe80::1 fe80::a9fe:a9fe febf::1 fec0::1 feff::1 ff02::1 ff0e::1
2a00::5efe:127.0.0.1 2a00::200:5efe:10.0.0.1`

func TestSpecialAddressesAreDenied(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	for text := range strings.FieldsSeq(badAddresses) {
		addr := netip.MustParseAddr(text)
		require.False(t, g.allows(addr, 443), text)
		err := g.control(t.Context(), "tcp", netip.AddrPortFrom(addr, 443).String(), nil)
		require.ErrorIs(t, err, &flowforge.Error{Code: CodeDenied}, text)
	}
	require.False(t, g.allows(netip.MustParseAddr("fe80::1%eth0"), 443))
	require.False(t, g.allows(netip.Addr{}, 443))
}

func TestSocketsAreJudgedWhateverTheLookupSaid(t *testing.T) {
	t.Parallel()
	dialer := newGuard(t).dialer()
	_, err := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	require.ErrorIs(t, err, &flowforge.Error{Code: CodeDenied})
}

func TestPublicAddressesAreAllowed(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	for text := range strings.FieldsSeq(`1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1
		169.253.255.255 169.255.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1
		223.255.255.255 2001:4860:4860::8888 2606:4700::1111 2a00:1450::1 2001:200::1 2003::1 3ffe:ffff::1 2a00::5efe:8.8.8.8`) {
		require.True(t, g.allows(netip.MustParseAddr(text), 443), text)
	}
}

func TestRulesAllow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, rule, addr string
		port             uint16
		want             bool
	}{
		{"in range", "10.0.0.0/8", "10.1.2.3", 1, true},
		{"out of range", "10.0.0.0/8", "172.16.0.1", 1, false},
		{"its port", "10.0.0.0/8:5432", "10.1.2.3", 5432, true},
		{"another port", "10.0.0.0/8:5432", "10.1.2.3", 80, false},
		{"IPv6", "[fd00::/8]:443", "fd00::1", 443, true},
		{"mapped is never", "127.0.0.0/8", "::ffff:127.0.0.1", 443, false},
		{"all of IPv4 is not IPv6", "0.0.0.0/0", "fd00::1", 443, false},
		{"NAT64 of a public address", "64:ff9b::/96", "64:ff9b::8.8.8.8", 443, true},
		{"NAT64 of loopback", "64:ff9b::/96", "64:ff9b::127.0.0.1", 443, false},
		{"NAT64 of metadata", "64:ff9b::/96", "64:ff9b::a9fe:a9fe", 443, false},
		{"own NAT64 of loopback", "64:ff9b:1::/48", "64:ff9b:1::127.0.0.1", 443, false},
		{"own NAT64 of loopback, /48", "64:ff9b:1::/48", "64:ff9b:1:7f00:0:100::", 443, false},
		{"own NAT64 of a public address", "64:ff9b:1::/48", "64:ff9b:1::8.8.8.8", 443, true},
		{"6to4 of loopback", "2002::/16", "2002:7f00:1::1", 443, false},
		{"6to4 of a public address", "2002::/16", "2002:808:808::1", 443, true},
		{"Teredo of a private client", "2001::/32", "2001:0:808:808:8000:63bf:f5ff:fffe", 443, false},
		{"Teredo of a public client", "2001::/32", "2001:0:808:808:8000:63bf:f7f7:f7f7", 443, true},
	} {
		require.Equal(t, test.want, newGuard(t, test.rule).allows(netip.MustParseAddr(test.addr), test.port), test.name)
	}
	both := newGuard(t, "64:ff9b::/96", "127.0.0.0/8")
	require.True(t, both.allows(netip.MustParseAddr("64:ff9b::127.0.0.1"), 443))
}

func TestOddNotationsAreRefusedBeforeAnyLookup(t *testing.T) {
	t.Parallel()
	client, err := New(Policy{Resolver: noLookup{t}})
	require.NoError(t, err)
	for text := range strings.FieldsSeq(`http://2130706433/ http://0x7f000001/ http://0X7F.1/ http://017700000001/ http://0177.0.0.1/
		http://127.1/ http://127.0.1/ http://127.0.0.01/ http://127.0.0.1./ http://127.0.0.256/ http://1.2.3.4.5/ http://0/ http://0x/
		http://0xfg.0xa/ http://a.0x1/ http://a.b.1/ http://example.com./ http://.example.com/ http://example..com/ http://./
		http://１２７.0.0.1/ http://①②⑦.0.0.1/ http://127。0。0。1/ http://ｅxample.com/ http://münchen.example/ http://ex%61mple.com/
		http://%31%32%37.0.0.1/ http://[fe80::1%25eth0]/ http://[::1%25]/ http://[127.0.0.1]/ http://[::1/ http://[::g]/ http://::1/
		http://user@example.com/ http://user:pass@example.com/ http://@example.com/ http://example.com@evil.example/
		http://example.com:0/ http://example.com:65536/ http://example.com:80a/ http://example.com:/ http://example.com:-1/
		http:///path http:example.com http:/example.com ftp://example.com/ file:///etc/passwd gopher://example.com/ javascript:x
		//example.com/ example.com http://example.com\@evil.example/ http://exam\ple.com/
		http://a,b/ http://a;b/ http://a$b/ http://*.example.com/`) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/", http.NoBody)
		require.NoError(t, err)
		if request.URL, err = request.URL.Parse(text); err != nil {
			continue // net/url refuses it already
		}
		if text == "example.com" {
			request.URL.Scheme, request.URL.Host = "", ""
		}
		if text == "//example.com/" {
			request.URL.Scheme = ""
		}
		request.Host = ""
		_, err = client.Do(request, Options{}) //nolint:bodyclose // There is no response.
		require.Error(t, err, text)
		require.Equal(t, CodeInvalid, flowforge.CodeOf(err), text)
		require.True(t, NotSent(err), text)
	}
}

func TestPlainNotationsAreNot(t *testing.T) {
	t.Parallel()
	for host := range strings.FieldsSeq(`example.com EXAMPLE.com a localhost 1.example.com 0x7f.example 1password.com a_b.example xn--mnchen-3ya.de
		8.8.8.8 ::1 2606:4700::1111 a.b.c.d.e.f.g 127-0-0-1.example x0x1`) {
		require.NoError(t, checkHost(host), host)
	}
}

// noLookup fails the test when a name is looked up.
type noLookup struct{ t *testing.T }

func (n noLookup) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.t.Errorf("%s was looked up", host)
	return nil, nil
}
