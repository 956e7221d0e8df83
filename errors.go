package flowforge

import (
	"errors"
	"fmt"
	"strings"
)

// Code is the stable name of a kind of error: programs match it, sentences may change.
type Code string

// The codes of the engine. Node types add their own, such as "http_status".
const (
	CodeInvalidWorkflow Code = "invalid_workflow" // the document has problems; Err is Problems
	CodeInvalidInput    Code = "invalid_input"    // the input does not fit input_schema
	CodeInvalidParams   Code = "invalid_params"   // a node's parameters do not fit its schema
	CodeInvalidValue    Code = "invalid_value"    // not JSON, or not representable as JSON
	CodeValueTooLarge   Code = "value_too_large"
	CodeExpression      Code = "expression_failed"
	CodeEachNotList     Code = "each_not_list"
	CodeRepeatLimit     Code = "repeat_limit" // core.repeat reached max before its condition held
	CodeNodeFailed      Code = "node_failed"  // a node's error that names no code of its own
	CodePanic           Code = "panic"
	CodeTimeout         Code = "timeout"      // an attempt took longer than the node's timeout
	CodeNodeTimeout     Code = "node_timeout" // all attempts together took longer than node_timeout
	CodeRunTimeout      Code = "run_timeout"
	CodeCanceled        Code = "canceled"
	CodeWorkerLost      Code = "worker_lost"
	CodeCredential      Code = "credential_missing" // there is no such credential, or it cannot be used
	CodeNoCredential    Code = "no_credential"      // the document puts none into the slot
	CodeNotFound        Code = "not_found"
	CodeConflict        Code = "conflict"
	CodeChanged         Code = "changed"     // what is to be changed is not as the request knew it
	CodeKeyReused       Code = "key_reused"  // the idempotency key was used for another request
	CodeStaleEpoch      Code = "stale_epoch" // the lease was lost to another worker
	CodeClosed          Code = "closed"      // the engine is closed or draining
	CodeUnsupported     Code = "unsupported"
	CodeLimited         Code = "limited"     // a limit lets it not begin now: later it may
	CodeUnavailable     Code = "unavailable" // a store or queue cannot be reached just now
)

// Error is an error with a stable code. Two of them match under errors.Is when their codes are equal.
type Error struct {
	Code Code
	Op   string // what was being done, such as "start run"; may be empty
	Msg  string // what is wrong, where and how to mend it
	Err  error  // the cause; may be nil
}

// Errorf makes an Error; a %w verb in the format sets its cause.
func Errorf(code Code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: code, Msg: wrapped.Error(), Err: errors.Unwrap(wrapped)}
}

// Error gives the sentence, after the operation where there is one.
func (e *Error) Error() string {
	text := e.Msg
	if text == "" && e.Err != nil {
		text = e.Err.Error()
	}
	if text == "" {
		text = string(e.Code)
	}
	if e.Op != "" {
		return e.Op + ": " + text
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error with the same code.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && e.Code == other.Code
}

// CodeOf gives the code of the first Error in err's chain, or "" where there is none.
func CodeOf(err error) Code {
	if coded, ok := errors.AsType[*Error](err); ok {
		return coded.Code
	}
	return ""
}

// Problem is one thing wrong with a document.
type Problem struct {
	Code    string `json:"code"`              // stable: "unknown_node", "cycle", "bad_params" ...
	Pointer string `json:"pointer"`           // JSON pointer (RFC 6901) into the document
	Message string `json:"message"`           // a sentence: what is wrong and how to mend it
	Warning bool   `json:"warning,omitempty"` // the document may be run all the same
}

// Problems are all things wrong with a document, in its order; as an error it lists them a line each.
type Problems []Problem

// Error lists the problems, a line each.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Pointer + ": " + problem.Message
	}
	return strings.Join(lines, "\n")
}

// Err gives the problems as an Error with CodeInvalidWorkflow, or nil where all are warnings.
func (p Problems) Err() error {
	for _, problem := range p {
		if !problem.Warning {
			return &Error{Code: CodeInvalidWorkflow, Msg: "the workflow has problems:\n" + p.Error(), Err: p}
		}
	}
	return nil
}

// ProblemsOf gives the problems that err carries, or nil.
func ProblemsOf(err error) Problems {
	problems, _ := errors.AsType[Problems](err)
	return problems
}
