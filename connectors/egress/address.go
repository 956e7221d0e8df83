package egress

import (
	"net/netip"
	"slices"
)

// specialRanges gives the ranges that are nobody's public server: the registries of special addresses (IANA,
// RFC 6890 and its updates) and the metadata services of clouds. Those of IPv6 are within 2000::/3; what is
// outside of it is special altogether.
func specialRanges(v4 bool) []string {
	if v4 {
		return []string{
			"0.0.0.0/8",          // this network
			"10.0.0.0/8",         // private
			"100.64.0.0/10",      // carrier-grade NAT, metadata of Alibaba (100.100.100.200)
			"127.0.0.0/8",        // loopback
			"168.63.129.16/32",   // metadata of Azure
			"169.254.0.0/16",     // link-local, metadata of most (169.254.169.254)
			"172.16.0.0/12",      // private
			"192.0.0.0/24",       // protocol assignments, metadata of Oracle (192.0.0.192)
			"192.0.2.0/24",       // documentation
			"192.88.99.0/24",     // 6to4 relays
			"192.168.0.0/16",     // private
			"198.18.0.0/15",      // benchmarks
			"198.51.100.0/24",    // documentation
			"203.0.113.0/24",     // documentation
			"224.0.0.0/4",        // multicast
			"240.0.0.0/4",        // reserved, broadcast
			"255.255.255.255/32", // broadcast
		}
	}
	return []string{
		"2001::/23",     // protocol assignments: Teredo, benchmarks, ORCHID
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4
		"3fff::/20",     // documentation
	}
}

// judge holds the parsed tables of special addresses.
type judge struct {
	v4, v6 []netip.Prefix
	global netip.Prefix
}

func newJudge() judge {
	parse := func(ranges []string) []netip.Prefix {
		prefixes := make([]netip.Prefix, len(ranges))
		for i, text := range ranges {
			prefixes[i] = netip.MustParsePrefix(text)
		}
		return prefixes
	}
	return judge{v4: parse(specialRanges(true)), v6: parse(specialRanges(false)), global: netip.MustParsePrefix("2000::/3")}
}

// special reports whether an address is not that of a public server.
func (j judge) special(addr netip.Addr) bool {
	within := func(p netip.Prefix) bool { return p.Contains(addr) }
	if addr.Is4() {
		return slices.ContainsFunc(j.v4, within)
	}
	return !j.global.Contains(addr) || slices.ContainsFunc(j.v6, within)
}

// embedded gives the IPv4 addresses that an IPv6 address stands for.
func embedded(addr netip.Addr) []netip.Addr {
	if addr.Is4() {
		return nil
	}
	b := addr.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	isZero := func(part []byte) bool { return !slices.ContainsFunc(part, func(x byte) bool { return x != 0 }) }
	switch {
	case addr.Is4In6(), isZero(b[:12]), // mapped, compatible (RFC 4291)
		b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b && isZero(b[4:12]): // NAT64 (RFC 6052)
		return []netip.Addr{at(12)}
	case b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b: // NAT64 with a prefix of one's own (RFC 8215)
		// The place depends on the length of the prefix (RFC 6052, 2.2): /96 puts it at the end, /48 around byte 8.
		if isZero(b[6:12]) {
			return []netip.Addr{at(12)}
		}
		return []netip.Addr{netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]})}
	case b[0] == 0x20 && b[1] == 0x02: // 6to4 (RFC 3056)
		return []netip.Addr{at(2)}
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0: // Teredo (RFC 4380): the client's is inverted
		return []netip.Addr{at(4), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})}
	case (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // ISATAP (RFC 5214)
		return []netip.Addr{at(12)}
	}
	return nil
}
