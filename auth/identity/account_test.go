package identity_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
	"github.com/flowforge-go/flowforge/auth/identity"
	"github.com/flowforge-go/flowforge/auth/password"
	"github.com/flowforge-go/flowforge/auth/totp"
)

var ada = identity.NewUser{Email: "Ada@Example.com", Name: "Ada", Password: good}

func TestWhoRegistersProvesTheirAddressFirst(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	require.NoError(t, k.Register(t.Context(), ada))
	_, err := k.SignIn(t.Context(), identity.SignIn{Email: "ada@example.com", Password: good})
	k.code(auth.CodeUnverified, err)
	_, err = k.SignIn(t.Context(), identity.SignIn{Email: "ada@example.com", Password: other})
	k.code(auth.CodeUnauthenticated, err)
	opaque := k.mailed(auth.MailVerify, "ada@example.com")
	require.NoError(t, k.VerifyEmail(t.Context(), opaque))
	k.code(flowforge.CodeNotFound, k.VerifyEmail(t.Context(), opaque))
	require.Equal(t, "Ada", k.who(k.signIn("ada", good).Access).Name)
	require.Equal(t, []string{"user.register", "session.refuse", "user.verify", "session.begin"}, k.actions(""))
}

func TestRegisteringTellsNobodyWhoIsThere(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	require.NoError(t, k.Register(t.Context(), ada))
	before := k.actions("")
	require.NoError(t, k.Register(t.Context(), identity.NewUser{Email: "ada@example.com", Name: "Eve", Password: other}))
	require.Empty(t, k.mailed(auth.MailRegistered, "ada@example.com"))
	require.Equal(t, before, k.actions(""))
	user, err := k.stores.UserByEmail(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.Equal(t, "Ada", user.Name)

	closed := k.service(func(cfg *identity.Config) { cfg.Register = false })
	k.code(auth.CodeForbidden, closed.Register(t.Context(), identity.NewUser{Email: "eve@example.com", Name: "Eve", Password: good}))
	silent := k.service(func(cfg *identity.Config) { cfg.Mailer = nil })
	require.NoError(t, silent.Register(t.Context(), identity.NewUser{Email: "eve@example.com", Name: "Eve", Password: good}))
	k.signIn("eve", good)
}

func TestWhoCannotBeAUserIsRefused(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for name, test := range map[string]struct {
		user identity.NewUser
		code flowforge.Code
	}{
		"address": {identity.NewUser{Email: "ada", Name: "Ada", Password: good}, flowforge.CodeInvalidInput},
		"name":    {identity.NewUser{Email: "ada@example.com", Password: good}, flowforge.CodeInvalidInput},
		"short":   {identity.NewUser{Email: "ada@example.com", Name: "Ada", Password: "short"}, auth.CodeWeakPassword},
		"known":   {identity.NewUser{Email: "ada.lovelace@example.com", Name: "Ada", Password: "ada.lovelace"}, auth.CodeWeakPassword},
	} {
		require.Equal(t, test.code, flowforge.CodeOf(k.Register(t.Context(), test.user)), name)
	}
	require.Empty(t, k.actions(""))
}

func TestSigningInTellsNobodyWhoIsThere(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p, _ := k.person("ada")
	eve, _ := k.person("eve")
	require.NoError(t, k.SetDisabled(t.Context(), k.admin, eve.User, true))
	var said []string
	for _, in := range []identity.SignIn{
		{Email: "ada@example.com", Password: other},
		{Email: "nobody@example.com", Password: good},
		{Email: "no address", Password: good},
		{Email: "eve@example.com", Password: good},
		{Email: "ada@example.com", Password: strings.Repeat("x", 1<<20)},
		{Email: "ada@example.com"},
	} {
		_, err := k.SignIn(t.Context(), in)
		k.code(auth.CodeUnauthenticated, err)
		said = append(said, err.Error())
	}
	for _, sentence := range said[1:] {
		require.Equal(t, said[0], sentence)
	}
	require.Equal(t, p.User, k.who(k.signIn("ada", good).Access).User)
}

func TestAnOutdatedHashIsMadeAnew(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p, _ := k.person("ada")
	dearer, err := password.New(password.Config{Memory: 128, Time: 1})
	require.NoError(t, err)
	s := k.service(func(cfg *identity.Config) { cfg.Passwords = dearer })
	_, err = s.SignIn(t.Context(), identity.SignIn{Email: "ada@example.com", Password: good})
	require.NoError(t, err)
	user, err := k.stores.User(t.Context(), p.User)
	require.NoError(t, err)
	require.Contains(t, user.Password, "m=128,")
	k.signIn("ada", good)
}

func TestTheFirstAdminHasAToken(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	old, err := k.FirstAdmin(t.Context())
	require.NoError(t, err)
	opaque, err := k.FirstAdmin(t.Context())
	require.NoError(t, err)
	claim := func(opaque string, n identity.NewUser) error {
		_, err := k.ClaimFirstAdmin(t.Context(), opaque, n, "Main")
		return err
	}
	k.code(flowforge.CodeNotFound, claim(old, ada))
	k.code(flowforge.CodeNotFound, claim("guessed", ada))
	k.code(auth.CodeWeakPassword, claim(opaque, identity.NewUser{Email: "ada@example.com", Name: "Ada", Password: "short"}))
	k.at = k.at.Add(time.Hour)
	k.code(flowforge.CodeNotFound, claim(opaque, ada))
	opaque, err = k.FirstAdmin(t.Context())
	require.NoError(t, err)
	require.NoError(t, claim(opaque, ada))
	p := k.who(k.signIn("ada", good).Access)
	require.True(t, p.Admin)
	require.Equal(t, auth.RoleOwner, p.Role)
	k.code(flowforge.CodeConflict, claim(opaque, ada))
	_, err = k.FirstAdmin(t.Context())
	k.code(flowforge.CodeConflict, err)
}

func TestAPasswordIsChanged(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p, tokens := k.person("ada")
	elsewhere := k.signIn("ada", good)
	k.code(auth.CodeForbidden, k.ChangePassword(t.Context(), p, other, other))
	k.code(auth.CodeWeakPassword, k.ChangePassword(t.Context(), p, good, "short"))
	require.NoError(t, k.ChangePassword(t.Context(), p, good, other))
	k.nobody(tokens.Access)
	k.nobody(elsewhere.Access)
	_, err := k.Refresh(t.Context(), elsewhere.Refresh, "")
	k.code(auth.CodeUnauthenticated, err)
	tokens, err = k.Refresh(t.Context(), tokens.Refresh, "")
	require.NoError(t, err)
	k.who(tokens.Access)
	_, err = k.SignIn(t.Context(), identity.SignIn{Email: "ada@example.com", Password: good})
	k.code(auth.CodeUnauthenticated, err)
	k.signIn("ada", other)
}

func TestAPasswordIsResetByMail(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	_, tokens := k.person("ada")
	require.NoError(t, k.AskReset(t.Context(), "nobody@example.com"))
	require.NoError(t, k.AskReset(t.Context(), "ada@example.com"))
	first := k.mailed(auth.MailReset, "ada@example.com")
	require.NoError(t, k.AskReset(t.Context(), "ada@example.com"))
	second := k.mailed(auth.MailReset, "ada@example.com")
	require.Len(t, k.post.sent, 2)
	k.code(auth.CodeWeakPassword, k.Reset(t.Context(), first, "short"))
	require.NoError(t, k.Reset(t.Context(), first, other))
	k.code(flowforge.CodeNotFound, k.Reset(t.Context(), first, good))
	k.code(flowforge.CodeNotFound, k.Reset(t.Context(), second, good))
	k.nobody(tokens.Access)
	_, err := k.Refresh(t.Context(), tokens.Refresh, "")
	k.code(auth.CodeUnauthenticated, err)
	k.signIn("ada", other)

	require.NoError(t, k.AskReset(t.Context(), "ada@example.com"))
	late := k.mailed(auth.MailReset, "ada@example.com")
	k.at = k.at.Add(time.Hour)
	k.code(flowforge.CodeNotFound, k.Reset(t.Context(), late, good))
	silent := k.service(func(cfg *identity.Config) { cfg.PublicURL = "" })
	k.code(flowforge.CodeUnsupported, silent.AskReset(t.Context(), "ada@example.com"))
}

// enrol gives a person a second factor, and its secret and recovery codes.
func (k *kit) enrol(p *auth.Principal) ([]byte, []string) {
	k.Helper()
	_, err := k.EnrolFactor(k.Context(), p, good)
	require.NoError(k, err)
	user, err := k.stores.User(k.Context(), p.User)
	require.NoError(k, err)
	secret := user.TOTP[len("second factor of "+string(user.ID)+":"):]
	codes, err := k.ConfirmFactor(k.Context(), p, totp.Code(secret, k.at))
	require.NoError(k, err)
	require.Len(k, codes, 10)
	return secret, codes
}

func TestASecondFactorIsAskedFor(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p, _ := k.person("ada")
	signIn := func(code string) error {
		_, err := k.SignIn(t.Context(), identity.SignIn{Email: "ada@example.com", Password: good, Code: code})
		return err
	}
	_, err := k.EnrolFactor(t.Context(), p, other)
	k.code(auth.CodeForbidden, err)
	_, err = k.ConfirmFactor(t.Context(), p, "000000")
	k.code(flowforge.CodeConflict, err)
	enrolment, err := k.EnrolFactor(t.Context(), p, good)
	require.NoError(t, err)
	require.Contains(t, enrolment.URL, enrolment.Secret)
	_, err = k.ConfirmFactor(t.Context(), p, "no code")
	k.code(auth.CodeUnauthenticated, err)
	require.NoError(t, signIn(""), "it counts once it is confirmed")

	secret, codes := k.enrol(p)
	k.code(auth.CodeSecondFactor, signIn(""))
	k.code(auth.CodeUnauthenticated, signIn("123"))
	k.code(auth.CodeUnauthenticated, signIn(totp.Code(secret, k.at))) // it was used to confirm
	k.at = k.at.Add(30 * time.Second)
	require.NoError(t, signIn(totp.Code(secret, k.at)))
	k.code(auth.CodeUnauthenticated, signIn(totp.Code(secret, k.at)))
	require.NoError(t, signIn(strings.ToUpper(codes[3])))
	k.code(auth.CodeUnauthenticated, signIn(codes[3]))
	_, err = k.EnrolFactor(t.Context(), p, good)
	k.code(flowforge.CodeConflict, err)

	k.code(auth.CodeUnauthenticated, k.DropFactor(t.Context(), p, good, "000"))
	require.NoError(t, k.DropFactor(t.Context(), p, good, codes[4]))
	require.NoError(t, signIn(""))
}

func TestOfTwoWhoUseACodeOneIsRefused(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p, _ := k.person("ada")
	secret, _ := k.enrol(p)
	k.at = k.at.Add(time.Minute)
	code := totp.Code(secret, k.at)
	var all sync.WaitGroup
	var lock sync.Mutex
	outcomes := map[flowforge.Code]int{}
	for range 6 {
		all.Go(func() {
			_, err := k.SignIn(t.Context(), identity.SignIn{Email: "ada@example.com", Password: good, Code: code})
			lock.Lock()
			defer lock.Unlock()
			outcomes[flowforge.CodeOf(err)]++
		})
	}
	all.Wait()
	require.Equal(t, map[flowforge.Code]int{"": 1, auth.CodeUnauthenticated: 5}, outcomes)
}

func TestAnAdminLooksAfterUsers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	p, tokens := k.person("ada")
	_, err := k.ListUsers(t.Context(), p, "", 0)
	k.code(auth.CodeForbidden, err)
	_, err = k.CreateUser(t.Context(), p, identity.NewUser{Email: "eve@example.com", Name: "Eve", Password: good}, true)
	k.code(auth.CodeForbidden, err)
	k.code(auth.CodeForbidden, k.SetDisabled(t.Context(), p, p.User, false))
	k.code(auth.CodeForbidden, k.SetPassword(t.Context(), p, p.User, other))
	k.code(auth.CodeForbidden, k.ResetFactor(t.Context(), p, p.User))
	k.code(auth.CodeUnauthenticated, k.SetDisabled(t.Context(), nil, p.User, true))
	_, err = k.InstallationAudit(t.Context(), p, 0, 0)
	k.code(auth.CodeForbidden, err)

	k.enrol(p)
	require.NoError(t, k.ResetFactor(t.Context(), k.admin, p.User))
	require.NoError(t, k.SetPassword(t.Context(), k.admin, p.User, other))
	k.nobody(tokens.Access)
	tokens = k.signIn("ada", other)
	require.NoError(t, k.SetDisabled(t.Context(), k.admin, p.User, true))
	k.nobody(tokens.Access)
	_, err = k.Refresh(t.Context(), tokens.Refresh, "")
	k.code(auth.CodeUnauthenticated, err)
	require.NoError(t, k.SetDisabled(t.Context(), k.admin, p.User, false))
	k.nobody(tokens.Access)
	k.signIn("ada", other)
	users, err := k.ListUsers(t.Context(), k.admin, "", 0)
	require.NoError(t, err)
	require.Len(t, users, 1)
}
