package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// A fault is what an error of the database means.
type fault int

const (
	faultNone     fault = iota
	faultOther          // a mistake of ours, or of who set the database up
	faultOutage         // the database cannot be reached or cannot write just now
	faultAgain          // a deadlock or the like: the transaction is tried again
	faultData           // a row that the database refuses
	faultRecorded       // a NOT NULL that guards a recorded result
)

// failure gives an error as the edge of the package shows it.
func (s *Store) failure(ctx context.Context, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		return ctx.Err()
	case flowforge.CodeOf(err) != "":
		return err
	case s.closed.Load():
		return flowforge.Errorf(flowforge.CodeClosed, "the store is closed")
	}
	switch faultOf(err) {
	case faultOutage, faultAgain:
		return &flowforge.Error{Code: flowforge.CodeUnavailable, Op: op, Msg: "the database is not available: " + err.Error(), Err: err}
	case faultData, faultRecorded:
		return &flowforge.Error{Code: flowforge.CodeInvalidValue, Op: op, Msg: "the database refuses it: " + err.Error(), Err: err}
	default:
		return &flowforge.Error{Op: op, Msg: err.Error(), Err: err}
	}
}

// faultOf reads SQLSTATE (PostgreSQL documentation, appendix A) or SQLite's result code (sqlite.org/rescode.html).
func faultOf(err error) fault {
	if err == nil {
		return faultNone
	}
	if state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return stateFault(state.SQLState())
	}
	if code, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return codeFault(code.Code())
	}
	if flowforge.CodeOf(err) != "" {
		if flowforge.CodeOf(err) == flowforge.CodeInvalidValue {
			return faultData
		}
		return faultOther
	}
	if strings.HasPrefix(err.Error(), "sql: ") && !errors.Is(err, driver.ErrBadConn) {
		return faultOther
	}
	return faultOutage // no answer of the database: the connection is at fault
}

func stateFault(state string) fault {
	switch state {
	case "40001", "40P01", "55P03":
		return faultAgain
	case "57P01", "57P02", "57P03", "25006", "53300", "53100", "53200", "58030":
		return faultOutage
	case "23502":
		return faultRecorded
	}
	switch {
	case strings.HasPrefix(state, "08"):
		return faultOutage
	case strings.HasPrefix(state, "22"), strings.HasPrefix(state, "23"), strings.HasPrefix(state, "54"):
		return faultData
	}
	return faultOther
}

func codeFault(code int) fault {
	const (
		primary = 0xff // the rest of a code says more about the same

		busy, locked, readOnly, io, corrupt, full, cannotOpen, tooBig, constraint = 5, 6, 8, 10, 11, 13, 14, 18, 19

		notNull = 1299
	)
	switch {
	case code == notNull:
		return faultRecorded
	case code&primary == busy, code&primary == locked, code&primary == readOnly, code&primary == io,
		code&primary == corrupt, code&primary == full, code&primary == cannotOpen:
		return faultOutage
	case code&primary == tooBig, code&primary == constraint:
		return faultData
	}
	return faultOther
}

// tries is how often a transaction that met a deadlock is tried.
const tries = 6

// retry runs a transaction, again where it met a deadlock.
func retry(ctx context.Context, try func() error) error {
	var err error
	for range tries {
		if err = try(); faultOf(err) != faultAgain || ctx.Err() != nil {
			return err
		}
	}
	return err
}
