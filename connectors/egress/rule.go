package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Rule allows the addresses of a range, on one port or on all. Its text is "CIDR" or "CIDR:port", with
// brackets around an IPv6 range that a port follows: "10.0.0.0/8", "10.1.2.3/32:5432", "[fd00::/8]:443".
type Rule struct {
	Range netip.Prefix
	Port  uint16 // 0: all
}

// ParseRule reads the text of a rule. An address without a length means that address alone.
func ParseRule(text string) (Rule, error) {
	cidr, port := text, ""
	switch {
	case strings.HasPrefix(text, "["):
		inner, rest, closed := strings.Cut(text[1:], "]")
		number, hasPort := strings.CutPrefix(rest, ":")
		if !closed || rest != "" && !hasPort || hasPort && number == "" {
			return Rule{}, ruleError(text, "write an IPv6 range with a port as [range]:port")
		}
		cidr, port = inner, number
	case strings.Count(text, ":") == 1:
		var number string
		if cidr, number, _ = strings.Cut(text, ":"); number == "" {
			return Rule{}, ruleError(text, "the port after the colon is missing")
		}
		port = number
	}
	var rule Rule
	if port != "" {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return Rule{}, ruleError(text, "the port must be from 1 to 65535")
		}
		rule.Port = uint16(number)
	}
	prefix, err := parseRange(cidr)
	if err != nil {
		return Rule{}, ruleError(text, err.Error())
	}
	rule.Range = prefix
	return rule, nil
}

func ruleError(text, why string) error {
	return fmt.Errorf("%q is not an egress rule: %s (examples: 10.0.0.0/8, 10.1.2.3/32:5432, [fd00::/8]:443)", text, why)
}

func parseRange(cidr string) (netip.Prefix, error) {
	address, length, hasLength := strings.Cut(cidr, "/")
	addr, err := netip.ParseAddr(address)
	switch {
	case strings.Contains(length, ":"):
		return netip.Prefix{}, errors.New("write an IPv6 range with a port as [range]:port")
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is not an IP address, and names cannot be allowed", address)
	case addr.Zone() != "":
		return netip.Prefix{}, errors.New("an address with a zone cannot be allowed")
	case addr.Is4In6():
		return netip.Prefix{}, fmt.Errorf("write an IPv4 range as such: %s", addr.Unmap())
	case !hasLength:
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("the length after the slash must be from 0 to %d", addr.BitLen())
	}
	if masked := prefix.Masked(); masked != prefix {
		return netip.Prefix{}, fmt.Errorf("the address has bits beyond its length: did you mean %s or %s?",
			masked, netip.PrefixFrom(addr, addr.BitLen()))
	}
	return prefix, nil
}

// String writes the rule as ParseRule reads it.
func (r Rule) String() string {
	switch {
	case r.Port == 0:
		return r.Range.String()
	case r.Range.Addr().Is6():
		return fmt.Sprintf("[%s]:%d", r.Range, r.Port)
	}
	return fmt.Sprintf("%s:%d", r.Range, r.Port)
}

// MarshalText writes the rule as ParseRule reads it.
func (r Rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a rule as ParseRule does.
func (r *Rule) UnmarshalText(text []byte) error {
	rule, err := ParseRule(string(text))
	if err != nil {
		return err
	}
	*r = rule
	return nil
}

// allows reports whether the rule covers an address and port.
func (r Rule) allows(addr netip.Addr, port uint16) bool {
	return r.Range.Contains(addr) && (r.Port == 0 || r.Port == port)
}
