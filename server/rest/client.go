package rest

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// address gives where a request comes from (S16): the peer or, where that is a trusted proxy, the nearest of those that
// its header X-Forwarded-For names which is none.
func (s *Server) address(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	at := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !s.trusts(at) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // nobody knows what was before
		}
		at = before.Unmap()
	}
	return at.WithZone("").String()
}

func (s *Server) trusts(at netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(proxies netip.Prefix) bool { return proxies.Contains(at) })
}

// agentOf gives what a client calls itself, as text that can be kept.
func agentOf(r *http.Request) string {
	const longest = 200
	agent := strings.ToValidUTF8(strings.ReplaceAll(r.UserAgent(), "\x00", ""), "")
	for len(agent) > longest {
		_, size := utf8.DecodeLastRuneInString(agent)
		agent = agent[:len(agent)-size]
	}
	return agent
}
