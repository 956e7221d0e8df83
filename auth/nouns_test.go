package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

func TestEmailsAreComparedInOneForm(t *testing.T) {
	t.Parallel()
	got, err := auth.NormalizeEmail("  Ada.Lovelace+x@Example.COM ")
	require.NoError(t, err)
	require.Equal(t, "ada.lovelace+x@example.com", got)
	for name, bad := range map[string]string{
		"empty": "", "no at": "ada", "two": "a@b.c, d@e.f", "a name": "Ada <ada@example.com>", "quoted": `"a b"@example.com`,
		"line break": "ada@example.com\r\nBcc: eve@example.com", "long": strings.Repeat("a", 250) + "@example.com", "NUL": "a\x00@b.c",
	} {
		_, err := auth.NormalizeEmail(bad)
		require.Equal(t, flowforge.CodeInvalidInput, flowforge.CodeOf(err), name)
	}
}

func TestNamesAreForPeople(t *testing.T) {
	t.Parallel()
	require.NoError(t, auth.CheckName("Ada Łovelace 🙂"))
	for _, bad := range []string{"", "  ", "a\nb", strings.Repeat("ä", 201), "\xff"} {
		require.Equal(t, flowforge.CodeInvalidInput, flowforge.CodeOf(auth.CheckName(bad)), "%q", bad)
	}
}

func TestAChainShowsEveryChange(t *testing.T) {
	t.Parallel()
	first := (&auth.Entry{
		Workspace: "acme", At: time.Date(2026, 1, 2, 3, 4, 5, 6_789, time.Local), Kind: auth.KindUser, User: "u", Session: "s",
		Key: "k", Action: "member.add", Target: "v", Detail: map[string]string{"role": "viewer", "a": "b"}, Address: "::1", Request: "r",
	}).Chained(1, nil)
	second := (&auth.Entry{Workspace: "acme", Action: "member.remove"}).Chained(2, first.Hash)
	require.True(t, first.Intact(nil))
	require.True(t, second.Intact(&first))
	require.False(t, second.Intact(nil), "the first was left out")
	for name, change := range map[string]func(e *auth.Entry){
		"workspace": func(e *auth.Entry) { e.Workspace = "other" },
		"at":        func(e *auth.Entry) { e.At = e.At.Add(time.Microsecond) },
		"kind":      func(e *auth.Entry) { e.Kind = auth.KindKey },
		"user":      func(e *auth.Entry) { e.User = "" },
		"moved":     func(e *auth.Entry) { e.User, e.Session = "us", "" },
		"key":       func(e *auth.Entry) { e.Key = "l" },
		"action":    func(e *auth.Entry) { e.Action = "member.remove" },
		"target":    func(e *auth.Entry) { e.Target = "w" },
		"detail":    func(e *auth.Entry) { e.Detail = map[string]string{"role": "owner", "a": "b"} },
		"less":      func(e *auth.Entry) { e.Detail = map[string]string{"role": "viewer"} },
		"address":   func(e *auth.Entry) { e.Address = "::2" },
		"request":   func(e *auth.Entry) { e.Request = "" },
		"number":    func(e *auth.Entry) { e.Seq = 2 },
		"prev":      func(e *auth.Entry) { e.Prev = []byte{1} },
		"hash":      func(e *auth.Entry) { e.Hash = make([]byte, 32) },
	} {
		changed := first
		change(&changed)
		require.False(t, changed.Intact(nil), name)
	}
}
