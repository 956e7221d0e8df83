// Package password hashes passwords with Argon2id, and refuses those that would be guessed (S11). It keeps nothing.
package password

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// Config says what a hash costs; its zero value is ready to use. Hashes that cost less are made anew when their
// passwords are used.
type Config struct {
	Memory uint32 // KiB; 0: 19,456
	Time   uint32 // passes; 0: 2
	AtOnce int    // hashes that are worked out at a time, so that many sign-ins do not use up the memory; 0: 4
}

const (
	defaultMemory = 19_456
	defaultTime   = 2
	defaultAtOnce = 4

	shortest = 12  // characters
	longest  = 128 // characters

	// maxOctets bounds what is looked at: characters have four octets at most.
	maxOctets = 4 * longest
)

// A Hasher hashes and checks passwords. Its methods may be called from many goroutines.
type Hasher struct {
	params argon2id.Params
	turns  chan struct{}
	nobody string // the hash of a password that nobody has
}

// New makes a Hasher.
func New(cfg Config) (*Hasher, error) {
	params := argon2id.Params{Memory: defaultMemory, Iterations: defaultTime, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	if cfg.Memory != 0 {
		params.Memory = cfg.Memory
	}
	if cfg.Time != 0 {
		params.Iterations = cfg.Time
	}
	if cfg.AtOnce == 0 {
		cfg.AtOnce = defaultAtOnce
	}
	nobody, err := argon2id.CreateHash("nobody's", &params)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	return &Hasher{params: params, turns: make(chan struct{}, cfg.AtOnce), nobody: nobody}, nil
}

// Hash gives the hash of a password, in the PHC string format. What Acceptable refuses is refused here too.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := Acceptable(password); err != nil {
		return "", err
	}
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	hash, err := argon2id.CreateHash(password, &h.params)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// Check reports whether a hash is a password's, and whether it should be made anew since it costs too little. The
// empty hash is nobody's password: to find that out costs as much, so that nobody learns who is there.
func (h *Hasher) Check(ctx context.Context, password, hash string) (right, outdated bool, err error) {
	known := hash != ""
	if !known {
		hash = h.nobody
	}
	if len(password) > maxOctets {
		password, known = "", false // as long as it likes, it costs no more
	}
	if err := h.enter(ctx); err != nil {
		return false, false, err
	}
	defer h.leave()
	right, params, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, fmt.Errorf("check a password: %w", err)
	}
	outdated = params.Memory < h.params.Memory || params.Iterations < h.params.Iterations
	return right && known, outdated, nil
}

func (h *Hasher) enter(ctx context.Context) error {
	select {
	case h.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) leave() { <-h.turns }

// Acceptable refuses, with auth.CodeWeakPassword, what is too short or too long, what is among the most common, what
// repeats or counts, and what is no more than one of the words about its owner.
func Acceptable(password string, about ...string) error {
	n := utf8.RuneCountInString(password)
	lower := strings.ToLower(password)
	switch {
	case len(password) > maxOctets || n > longest:
		return weak("a password has at most %d characters", longest)
	case !utf8.ValidString(password):
		return weak("a password is in UTF-8")
	case n < shortest:
		return weak("a password has at least %d characters: a few words are easy to remember", shortest)
	case common(lower), monotonous(lower):
		return weak("this password is among the first that are tried: take another")
	}
	for _, word := range about {
		word = strings.ToLower(word)
		local, _, _ := strings.Cut(word, "@")
		if word != "" && (lower == word || lower == local) {
			return weak("this password is what others know of you: take another")
		}
	}
	return nil
}

func weak(format string, args ...any) error {
	return flowforge.Errorf(auth.CodeWeakPassword, format, args...)
}

// monotonous finds texts of few characters, of a short text again and again, and of characters in a row.
func monotonous(text string) bool {
	const shortPeriod = 4
	for period := 1; period <= shortPeriod; period++ {
		if strings.HasPrefix(text, text[period:]) {
			return true
		}
	}
	const rows = "01234567890123456789012345678901 abcdefghijklmnopqrstuvwxyz " +
		"qwertyuiopasdfghjklzxcvbnm qwertzuiopasdfghjklyxcvbnm azertyuiopqsdfghjklmwxcvbn " +
		"98765432109876543210 zyxwvutsrqponmlkjihgfedcba 1q2w3e4r5t6y7u8i9o0p 1qaz2wsx3edc4rfv5tgb6yhn7ujm"
	return strings.Contains(rows, text)
}
