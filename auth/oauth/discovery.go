package oauth

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/flowforge-go/flowforge"
)

// document is what a provider tells about itself (OpenID Connect Discovery 1.0, section 3).
type document struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Keys          string `json:"jwks_uri"`
}

// about remembers what a provider told.
type about struct {
	mu       sync.Mutex
	document document
	readAt   time.Time
	keys     []byte
	keysAt   time.Time
}

const (
	remembered = time.Hour   // what a provider tells
	again      = time.Minute // how soon its keys are asked for again at the earliest
	mostOctets = 1 << 20
)

// secure takes https, and http only to this host, for tests and development.
func secure(text string) bool {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.User != nil || parsed.Fragment != "" {
		return false
	}
	if parsed.Scheme == "http" {
		address, err := netip.ParseAddr(parsed.Hostname())
		return parsed.Hostname() == "localhost" || err == nil && address.IsLoopback()
	}
	return parsed.Scheme == "https"
}

func (p *Provider) discover(ctx context.Context) (document, error) {
	p.about.mu.Lock()
	found, readAt := p.about.document, p.about.readAt
	p.about.mu.Unlock()
	now := p.cfg.Now()
	if found.Issuer != "" && now.Sub(readAt) < remembered {
		return found, nil
	}
	text, err := p.get(ctx, strings.TrimSuffix(p.cfg.Issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return document{}, err
	}
	found = document{}
	if err := json.Unmarshal(text, &found); err != nil {
		return document{}, flowforge.Errorf(CodeProvider, "the sign-in provider does not tell about itself: %w", err)
	}
	if found.Issuer != p.cfg.Issuer {
		return document{}, flowforge.Errorf(CodeProvider, "the sign-in provider calls itself other than it was set up here")
	}
	for _, endpoint := range []string{found.Authorization, found.Token, found.Keys} {
		if !secure(endpoint) {
			return document{}, flowforge.Errorf(CodeProvider, "the sign-in provider has an address without https")
		}
	}
	p.about.mu.Lock()
	defer p.about.mu.Unlock()
	p.about.document, p.about.readAt = found, now
	return found, nil
}

// keys gives the provider's JWK set. Anew means that the remembered one did not do.
func (p *Provider) keys(ctx context.Context, found document, anew bool) ([]byte, error) {
	p.about.mu.Lock()
	keys, keysAt := p.about.keys, p.about.keysAt
	p.about.mu.Unlock()
	now := p.cfg.Now()
	most := remembered
	if anew {
		most = again
	}
	if keys != nil && now.Sub(keysAt) < most {
		return keys, nil
	}
	keys, err := p.get(ctx, found.Keys)
	if err != nil {
		return nil, err
	}
	p.about.mu.Lock()
	defer p.about.mu.Unlock()
	p.about.keys, p.about.keysAt = keys, now
	return keys, nil
}

func (p *Provider) get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, flowforge.Errorf(CodeProvider, "ask the sign-in provider: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return nil, flowforge.Errorf(CodeProvider, "the sign-in provider does not answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostOctets))
	switch {
	case err != nil:
		return nil, flowforge.Errorf(CodeProvider, "the sign-in provider does not answer: %w", err)
	case response.StatusCode != http.StatusOK:
		return nil, flowforge.Errorf(CodeProvider, "the sign-in provider answers with status %d", response.StatusCode)
	}
	return text, nil
}
