// Package oauth signs people in with another system by OpenID Connect: the code flow with PKCE, bound to the browser that
// began it (S21). It says who somebody is there; who that is here is up to auth/identity.
package oauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/token"
)

// CodeProvider is the code of errors that the other system is to blame for, or how it was set up.
const CodeProvider flowforge.Code = "sign_in_provider"

// Config says which system people sign in with. Issuer, ClientID and RedirectURL are required.
type Config struct {
	Issuer       string // its address, with https; it tells about itself below it
	ClientID     string // ours, there
	ClientSecret flowforge.Secret
	RedirectURL  string   // exactly as it is registered there, where Finish is called
	Scopes       []string // nil: openid, email, profile

	Now    func() time.Time // nil: time.Now
	Random io.Reader        // nil: crypto/rand.Reader
}

// stateLength is how long somebody may take to sign in.
const stateLength = 10 * time.Minute

// A Provider is a system that people sign in with. Its methods may be called from many goroutines.
type Provider struct {
	cfg    Config
	client *http.Client
	states auth.OneTimes
	about  about
}

// New makes a Provider. It asks the other system when somebody signs in, with a client that was made by
// connectors/egress or by the host.
func New(client *http.Client, states auth.OneTimes, cfg Config) (*Provider, error) {
	if cfg.ClientID == "" || !secure(cfg.Issuer) || !secure(cfg.RedirectURL) {
		return nil, flowforge.Errorf(flowforge.CodeInvalidInput,
			"a sign-in elsewhere takes an issuer and a redirect URL, both with https, and a client ID")
	}
	if cfg.Scopes == nil {
		cfg.Scopes = []string{"openid", "email", "profile"}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	return &Provider{cfg: cfg, client: client, states: states}, nil
}

// state is what is kept between Begin and Finish.
type state struct {
	Issuer   string `json:"issuer"`
	Browser  []byte `json:"browser"` // hash
	Verifier string `json:"verifier"`
	Nonce    string `json:"nonce"`
}

// Begin gives the address where somebody signs in, and a secret for a cookie of their browser, which Finish asks for:
// nobody is signed in by a link that another has begun.
func (p *Provider) Begin(ctx context.Context) (address, browser string, err error) {
	about, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	var texts [4]string
	var hashes [4][]byte
	for i := range texts {
		if texts[i], hashes[i], err = token.NewOpaque(p.cfg.Random); err != nil {
			return "", "", err
		}
	}
	opaque, verifier, nonce, browser := texts[0], texts[1], texts[2], texts[3]
	data, err := json.Marshal(state{Issuer: p.cfg.Issuer, Browser: hashes[3], Verifier: verifier, Nonce: nonce})
	if err != nil {
		return "", "", err
	}
	now := p.cfg.Now().UTC().Truncate(time.Microsecond)
	err = p.states.PutOneTime(ctx, auth.OneTime{
		Hash: hashes[0], Purpose: auth.PurposeSignIn, Data: string(data), CreatedAt: now, ExpiresAt: now.Add(stateLength),
	})
	if err != nil {
		return "", "", err
	}
	address = p.flow(about).AuthCodeURL(opaque, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", nonce))
	return address, browser, nil
}

// Finish gives who has signed in, from the parameters state and code of the redirect and the browser's secret. A state is
// used once (S15). What does not fit is auth.CodeUnauthenticated.
func (p *Provider) Finish(ctx context.Context, browser, opaque, code string) (auth.Elsewhere, error) {
	begun, err := p.take(ctx, browser, opaque)
	if err != nil {
		return auth.Elsewhere{}, err
	}
	about, err := p.discover(ctx)
	if err != nil {
		return auth.Elsewhere{}, err
	}
	inner := context.WithValue(ctx, oauth2.HTTPClient, p.client)
	tokens, err := p.flow(about).Exchange(inner, code, oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		// Its text holds what the other system answered, which is nobody's matter.
		return auth.Elsewhere{}, &flowforge.Error{Code: auth.CodeUnauthenticated, Msg: "the other system does not confirm the sign-in", Err: err}
	}
	compact, _ := tokens.Extra("id_token").(string)
	who, err := p.verify(ctx, about, compact, begun.Nonce)
	if err != nil {
		return auth.Elsewhere{}, err
	}
	return auth.Elsewhere{Issuer: p.cfg.Issuer, Subject: who.Subject, Email: who.Email, Verified: who.Verified, Name: who.Name}, nil
}

func (p *Provider) flow(about document) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret.Reveal(), RedirectURL: p.cfg.RedirectURL, Scopes: p.cfg.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: about.Authorization, TokenURL: about.Token},
	}
}

func (p *Provider) take(ctx context.Context, browser, opaque string) (state, error) {
	thing, err := p.states.TakeOneTime(ctx, auth.PurposeSignIn, token.Hash(opaque), p.cfg.Now())
	if flowforge.CodeOf(err) == flowforge.CodeNotFound {
		return state{}, beginAgain()
	}
	if err != nil {
		return state{}, err
	}
	var begun state
	if err := json.Unmarshal([]byte(thing.Data), &begun); err != nil {
		return state{}, beginAgain()
	}
	if begun.Issuer != p.cfg.Issuer || subtle.ConstantTimeCompare(begun.Browser, token.Hash(browser)) != 1 {
		return state{}, beginAgain()
	}
	return begun, nil
}

func beginAgain() error {
	return flowforge.Errorf(auth.CodeUnauthenticated, "this sign-in was begun elsewhere, or is over: begin again")
}

// verify checks the ID token, once more with keys that are read anew where the other system has changed them.
func (p *Provider) verify(ctx context.Context, about document, compact, nonce string) (token.IDToken, error) {
	var why error
	for _, anew := range []bool{false, true} {
		keys, err := p.keys(ctx, about, anew)
		if err != nil {
			return token.IDToken{}, err
		}
		who, err := token.VerifyID(compact, token.Expected{
			Issuer: p.cfg.Issuer, Client: p.cfg.ClientID, Nonce: nonce, Now: p.cfg.Now(), Keys: keys,
		})
		if err == nil {
			return who, nil
		}
		why = err
	}
	return token.IDToken{}, &flowforge.Error{
		Code: auth.CodeUnauthenticated, Msg: "the other system's ID token is not valid: " + why.Error(), Err: why,
	}
}
