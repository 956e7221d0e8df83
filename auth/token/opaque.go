package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/auth"
)

// NewOpaque makes a random token of 256 bits, and the hash that is kept of it (S13, S15). So much chance needs no slow
// hash.
func NewOpaque(random io.Reader) (opaque string, hash []byte, err error) {
	secret := make([]byte, 32)
	if _, err := io.ReadFull(random, secret); err != nil {
		return "", nil, fmt.Errorf("make a token: %w", err)
	}
	opaque = base64.RawURLEncoding.EncodeToString(secret)
	return opaque, Hash(opaque), nil
}

// Hash gives the hash of an opaque token.
func Hash(opaque string) []byte {
	sum := sha256.Sum256([]byte(opaque))
	return sum[:]
}

// API keys are ff_live_<id>_<secret><crc>: the ID finds the key, the checksum tells a key from what only looks like one,
// to scanners and before the store is asked (S14).
const (
	keyPrefix  = "ff_live_"
	keyID      = 16 // characters: 95 bits
	keySecret  = 43 // characters: 256 bits
	keyCheck   = 6  // characters: CRC-32
	keyLength  = len(keyPrefix) + keyID + 1 + keySecret + keyCheck
	characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// NewAPIKey makes an API key: its ID, its secret part, and the whole, which is shown once.
func NewAPIKey(random io.Reader) (id auth.KeyID, secret, whole string, err error) {
	text, err := letters(random, keyID+keySecret)
	if err != nil {
		return "", "", "", fmt.Errorf("make an API key: %w", err)
	}
	whole = keyPrefix + text[:keyID] + "_" + text[keyID:]
	return auth.KeyID(text[:keyID]), text[keyID:], whole + checksum(whole), nil
}

// ParseAPIKey takes an API key apart. What is none is auth.CodeUnauthenticated.
func ParseAPIKey(whole string) (id auth.KeyID, secret string, err error) {
	body := strings.TrimPrefix(whole, keyPrefix)
	if len(whole) != keyLength || len(body) == len(whole) || body[keyID] != '_' ||
		checksum(whole[:keyLength-keyCheck]) != whole[keyLength-keyCheck:] {
		return "", "", flowforge.Errorf(auth.CodeUnauthenticated, "this is no API key: is it whole?")
	}
	return auth.KeyID(body[:keyID]), body[keyID+1 : keyID+1+keySecret], nil
}

// LooksLikeAPIKey reports whether somebody meant a text to be an API key.
func LooksLikeAPIKey(text string) bool { return strings.HasPrefix(text, keyPrefix) }

// HashAPIKey gives what is kept of a key: without the pepper, which is not in the database, guesses cannot be tried.
func HashAPIKey(pepper []byte, id auth.KeyID, secret string) []byte {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte("flowforge api key\x00" + string(id) + "\x00" + secret))
	return mac.Sum(nil)
}

// letters gives n random characters, each as likely as the others.
func letters(random io.Reader, n int) (string, error) {
	const fair = 256 - 256%len(characters)
	text := make([]byte, 0, n)
	buffer := make([]byte, 2*n)
	for {
		if _, err := io.ReadFull(random, buffer); err != nil {
			return "", err
		}
		for _, b := range buffer {
			if int(b) >= fair {
				continue
			}
			if text = append(text, characters[int(b)%len(characters)]); len(text) == n {
				return string(text), nil
			}
		}
	}
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var check [keyCheck]byte
	for i := keyCheck - 1; i >= 0; i-- {
		check[i] = characters[sum%uint32(len(characters))]
		sum /= uint32(len(characters))
	}
	return string(check[:])
}
