package egress

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/flowforge-go/flowforge"
)

const https = "https"

// checkURL refuses URLs that are not plainly http or https to a plainly written host.
func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != https:
		return flowforge.Errorf(CodeInvalid, "the URL must begin with http:// or https://")
	case u.Opaque != "":
		return flowforge.Errorf(CodeInvalid, "the URL must have two slashes after its scheme")
	case u.User != nil:
		return flowforge.Errorf(CodeInvalid, "the URL holds a user name or password: use a credential instead")
	}
	return checkHostPort(u.Host)
}

// checkHostPort refuses what is not "host" or "host:port", plainly written.
func checkHostPort(hostport string) error {
	host, port := hostport, ""
	if strings.HasPrefix(hostport, "[") {
		end := strings.IndexByte(hostport, ']')
		if end < 0 {
			return flowforge.Errorf(CodeInvalid, "the URL's host has no closing bracket")
		}
		host, port = hostport[1:end], hostport[end+1:]
		if !strings.Contains(host, ":") {
			return hostError(host, "only IPv6 addresses are written in brackets")
		}
	} else if i := strings.IndexByte(hostport, ':'); i >= 0 {
		host, port = hostport[:i], hostport[i:]
	}
	if port != "" {
		if n, err := strconv.ParseUint(port[1:], 10, 16); err != nil || n == 0 || port[0] != ':' {
			return flowforge.Errorf(CodeInvalid, "the URL's port must be a number from 1 to 65535")
		}
	}
	return checkHost(host)
}

// checkHost refuses every notation of a host that programs read differently: an address is written as four
// decimal numbers or as IPv6, a name as ASCII labels of which the last is no number.
func checkHost(host string) error {
	if host == "" {
		return flowforge.Errorf(CodeInvalid, "the URL has no host")
	}
	if strings.Contains(host, ":") {
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.Zone() != "" {
			return hostError(host, "this is not an IPv6 address, or it has a zone")
		}
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if len(host) > 253 {
		return hostError(host[:40]+"...", "it is longer than 253 characters")
	}
	label := ""
	for label = range strings.SplitSeq(host, ".") {
		if label == "" {
			return hostError(host, "it has an empty part: dots at an end or in a row")
		}
		if len(label) > 63 || strings.ContainsFunc(label, notInName) {
			return hostError(host, "use ASCII letters, digits, hyphens and dots only (international names in their xn-- form)")
		}
	}
	if isNumber(label) {
		return hostError(host, "an IPv4 address is written as four decimal numbers from 0 to 255 without leading zeros")
	}
	return nil
}

func hostError(host, why string) error {
	return flowforge.Errorf(CodeInvalid, "the host %q is refused: %s", host, why)
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// isNumber reports whether parsers of hosts take a last label for a number (WHATWG URL, "ends in a number").
func isNumber(label string) bool {
	lower := strings.ToLower(label)
	if hex, ok := strings.CutPrefix(lower, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(lower, "0123456789") == ""
}

// origin is the scheme, host and port of a URL, in one form.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == https {
			port = "443"
		}
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
