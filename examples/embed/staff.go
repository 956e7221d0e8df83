package main

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"sync"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// cookie is the name of the cookie that the shop's login sets.
const cookie = "shop"

// staff are the people of the shop. It is a rest.Authenticator: what the API asks is who sends a request, what they
// may do, and in which workspace. A real one would have its people in a database, their passwords hashed.
type staff struct {
	passwords map[string]string
	roles     map[string]auth.Role

	mu       sync.Mutex
	sessions map[string]string // who has signed in, by what the cookie holds
}

func newStaff() *staff {
	return &staff{
		passwords: map[string]string{"ada": "seven green bicycles", "ben": "a quiet lighthouse"},
		roles:     map[string]auth.Role{"ada": auth.RoleEditor, "ben": auth.RoleViewer},
		sessions:  make(map[string]string),
	}
}

// Authenticate tells who sends a request to the API. Who has no cookie of the shop may be known to another
// Authenticator, if there is one; who has a wrong one is refused.
func (s *staff) Authenticate(r *http.Request) (*auth.Principal, error) {
	sent, err := r.Cookie(cookie)
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // Nobody the shop knows.
	}
	s.mu.Lock()
	name := s.sessions[sent.Value]
	s.mu.Unlock()
	if name == "" {
		return nil, flowforge.Errorf(auth.CodeUnauthenticated, "sign in to the shop again: POST /login")
	}
	role := s.roles[name]
	return &auth.Principal{
		Kind: auth.KindUser, User: auth.UserID(name), Name: name,
		Workspace: "shop", Role: role, Permissions: role.Permissions(),
	}, nil
}

// login is the shop's own way to sign in.
func (s *staff) login(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("name")
	known, found := s.passwords[name]
	if !found || subtle.ConstantTimeCompare([]byte(known), []byte(r.PostFormValue("password"))) != 1 {
		http.Error(w, "no such name and password", http.StatusUnauthorized)
		return
	}
	secret := rand.Text()
	s.mu.Lock()
	s.sessions[secret] = name
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
