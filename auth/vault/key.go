package vault

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// A Key is a root key. However it is printed, it does not show.
type Key [32]byte

const (
	redacted  = "[redacted]"
	howToMake = "make one with `openssl rand -base64 32`"
)

// NewKey makes a key, and the text that ParseKey reads.
func NewKey(random io.Reader) (Key, string, error) {
	var key Key
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return Key{}, "", fmt.Errorf("make a key: %w", err)
	}
	return key, base64.StdEncoding.EncodeToString(key[:]), nil
}

// ParseKey reads a key of 32 octets in hexadecimal or base64. A password is none, and neither is a key that others know:
// CodeWeakKey (S2). The error does not repeat it.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	decoders := []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	}
	for _, decode := range decoders {
		octets, err := decode(text)
		if err == nil && len(octets) == len(Key{}) {
			key := Key(octets)
			return key, key.check()
		}
	}
	return Key{}, flowforge.Errorf(CodeWeakKey, "a root key is 32 random octets in base64 or hexadecimal: "+howToMake)
}

// Format gives "[redacted]" for every verb of fmt.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String gives "[redacted]".
func (Key) String() string { return redacted }

// MarshalText gives "[redacted]".
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// check refuses keys that nobody made by chance: of few different octets, of text, or counting. Chance makes such
// a key once in 10^13 times.
func (k Key) check() error {
	const (
		few  = 16
		text = 32
	)
	var seen [256]bool
	different, printable, counting, before := 0, 0, 0, byte(0)
	for i, octet := range k {
		if !seen[octet] {
			different++
		}
		seen[octet] = true
		if octet >= ' ' && octet <= '~' {
			printable++
		}
		if i > 0 && octet-before == k[1]-k[0] {
			counting++
		}
		before = octet
	}
	if different < few || printable == text || counting == len(k)-1 {
		return flowforge.Errorf(CodeWeakKey, "this root key is not random: "+howToMake)
	}
	return nil
}
