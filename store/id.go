package store

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// NewID makes a UUID of version 7 (RFC 9562, section 5.7): milliseconds, then twelve bits of their fraction, so
// that ids sort by their time, then random bits. (The well-known module for it would link database/sql/driver
// into every program with an engine.)
func NewID(now time.Time) string {
	var id [16]byte
	_, _ = rand.Read(id[8:])                               // never fails
	fraction := uint64(now.Nanosecond()) % 1e6 << 12 / 1e6 //nolint:gosec // Never negative.
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|0x7000|fraction)
	id[8] = id[8]&0x3f | 0x80
	text := hex.EncodeToString(id[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
