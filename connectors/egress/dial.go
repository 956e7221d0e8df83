package egress

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/flowforge-go/flowforge"
)

// Resolver finds the addresses of a name; *net.Resolver is one.
type Resolver interface {
	// LookupNetIP gives the addresses of host; network is "ip", "ip4" or "ip6".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// guard makes connections to allowed addresses only.
type guard struct {
	allow    []Rule
	resolver Resolver
	judge    judge
}

// DialContext connects to "host:port" as the policy allows, for protocols other than HTTP; network is "tcp",
// "tcp4" or "tcp6". Its errors have the codes of this package.
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, flowforge.Errorf(CodeInvalid, "only TCP connections may be made, not %s", network)
	}
	if err := checkHostPort(address); err != nil {
		return nil, err
	}
	conn, err := c.guard.dial(ctx, network, address)
	if err != nil {
		return nil, describe(ctx, err, hostOf(address))
	}
	return conn, nil
}

// dial looks the host up once, tries the allowed addresses in turn, and has each connection judged again by
// the address that the socket is really given.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, flowforge.Errorf(CodeInvalid, "the address has no port")
	}
	number, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, flowforge.Errorf(CodeInvalid, "the port is not a number")
	}
	port := uint16(number)
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	addrs, err := g.lookup(ctx, network, host)
	if err != nil {
		return nil, err
	}
	allowed := slices.DeleteFunc(addrs, func(addr netip.Addr) bool { return !g.allows(addr, port) })
	if len(allowed) == 0 {
		return nil, denied(host)
	}
	dialer := g.dialer()
	var first error
	for i, addr := range allowed {
		conn, err := dialOne(ctx, dialer, netip.AddrPortFrom(addr, port), len(allowed)-i)
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// dialer makes sockets whose addresses control judges, wherever they come from.
func (g *guard) dialer() net.Dialer { return net.Dialer{ControlContext: g.control} }

// dialOne tries one address and leaves time for those that follow.
func dialOne(ctx context.Context, dialer net.Dialer, to netip.AddrPort, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		dialer.Timeout = max(time.Until(deadline)/time.Duration(left), time.Second)
	}
	return dialer.DialContext(ctx, "tcp", to.String())
}

func (g *guard) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	family := map[string]string{"tcp4": "ip4", "tcp6": "ip6"}[network]
	if family == "" {
		family = "ip"
	}
	found, err := g.resolver.LookupNetIP(ctx, family, host)
	if err != nil {
		return nil, err
	}
	addrs := make([]netip.Addr, len(found))
	for i, addr := range found {
		addrs[i] = addr.Unmap() // the standard resolver gives IPv4 addresses in their mapped form
	}
	return addrs, nil
}

// control runs after the socket is made and before it connects.
func (g *guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !g.allows(to.Addr(), to.Port()) {
		return denied(hostOf(address))
	}
	return nil
}

// allows judges an address and the IPv4 addresses it stands for.
func (g *guard) allows(addr netip.Addr, port uint16) bool {
	if addr.Zone() != "" || !addr.IsValid() {
		return false
	}
	isAllowed := slices.ContainsFunc(g.allow, func(r Rule) bool { return r.allows(addr, port) })
	if !isAllowed && g.judge.special(addr) {
		return false
	}
	for _, inner := range embedded(addr) {
		if !g.allows(inner, port) {
			return false
		}
	}
	return true
}

// denied is the same whatever the address is and whatever answers there.
func denied(host string) error {
	return flowforge.Errorf(CodeDenied,
		"workflows may not reach %s: its address is private, reserved or otherwise not public. "+
			"An operator can allow it (--allow-egress CIDR[:port])", host)
}

func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
