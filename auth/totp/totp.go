// Package totp works out the codes of a second factor from the time (RFC 6238), as authenticator apps do: six digits,
// SHA-1, steps of 30 seconds. It keeps nothing; that a code is not taken twice is up to who keeps the step.
package totp

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 and all apps have it; HMAC does not need it to be free of collisions.
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"time"
)

const (
	step   = 30 // seconds
	digits = 1_000_000
	octets = 20 // of a secret: RFC 4226, section 4

	// around is how many steps before and after the present one count: clocks differ, and people type slowly.
	around = 1
)

// NewSecret makes a secret of 160 bits.
func NewSecret(random io.Reader) ([]byte, error) {
	secret := make([]byte, octets)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, fmt.Errorf("make a secret: %w", err)
	}
	return secret, nil
}

// Text writes a secret as people type it into an app.
func Text(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// URL gives the address that apps read from a QR code (github.com/google/google-authenticator, wiki, Key URI Format).
func URL(issuer, account string, secret []byte) string {
	query := url.Values{"secret": {Text(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	link := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account, RawQuery: query.Encode()}
	return link.String()
}

// Code gives the code at an instant.
func Code(secret []byte, at time.Time) string { return code(secret, at.Unix()/step) }

// Check finds the step, after the step `after`, whose code was given, and reports whether there is one. Whoever accepts
// the code keeps its step and gives it as `after` from then on, so that no code counts twice.
func Check(secret []byte, given string, now time.Time, after int64) (int64, bool) {
	present := now.Unix() / step
	for _, at := range []int64{present - around, present, present + around} {
		if subtle.ConstantTimeCompare([]byte(code(secret, at)), []byte(given)) == 1 && at > after {
			return at, true
		}
	}
	return 0, false
}

// code is HOTP (RFC 4226, section 5.3).
func code(secret []byte, counter int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, counter) // a hash never fails
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%digits)
}
