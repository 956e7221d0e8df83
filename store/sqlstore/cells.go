package sqlstore

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/flowforge-go/flowforge"
)

// A row is read cell by cell, from left to right; a nil cell is NULL. The first error stays.
type row struct {
	cells [][]byte
	at    int
	lite  bool
	err   error
}

func (r *row) next() []byte {
	cell := r.cells[r.at]
	r.at++
	return cell
}

func (r *row) text() string { return string(r.next()) }

// int reads a number; NULL is 0.
func (r *row) int() int64 {
	cell := r.next()
	if cell == nil {
		return 0
	}
	n, err := strconv.ParseInt(string(cell), 10, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("read a number: %w", err)
	}
	return n
}

func (r *row) bool() bool { return r.int() != 0 }

// time reads an instant; NULL is the zero one.
func (r *row) time() time.Time {
	if r.cells[r.at] == nil {
		r.at++
		return time.Time{}
	}
	return time.UnixMicro(r.int()).UTC()
}

// bytes reads a byte string, which PostgreSQL writes in hexadecimal.
func (r *row) bytes() []byte {
	cell := r.next()
	if r.lite || cell == nil {
		return cell
	}
	if len(cell) < 2 {
		r.err = fmt.Errorf("read bytes: %q", cell)
		return nil
	}
	data := make([]byte, hex.DecodedLen(len(cell)-2))
	if _, err := hex.Decode(data, cell[2:]); err != nil && r.err == nil {
		r.err = fmt.Errorf("read bytes: %w", err)
	}
	return data
}

// json reads what was written with encode; NULL leaves into as it is.
func (r *row) json(into any) {
	cell := r.next()
	if cell == nil {
		return
	}
	if err := json.Unmarshal(cell, into); err != nil && r.err == nil {
		r.err = fmt.Errorf("read %T: %w", into, err)
	}
}

// encode writes a small structure as JSON.
func encode(x any) (string, error) {
	text, err := json.Marshal(x)
	if err != nil {
		return "", flowforge.Errorf(flowforge.CodeInvalidValue, "encode %T: %w", x, err)
	}
	return string(text), nil
}
