package main

import (
	"fmt"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors/egress"
)

// hintFor says what to do about an error of a code; empty: nothing that its message does not say.
func hintFor(code flowforge.Code) string {
	switch code {
	case egress.CodeDenied:
		return "a workflow reaches public addresses only; allow more with --allow-egress CIDR[:port], such as --allow-egress 127.0.0.1:8080"
	case flowforge.CodeCredential:
		return "give the credential with --credential name=@FILE or name=env:VARIABLE"
	case flowforge.CodeRunTimeout:
		return "settings.timeout of the document, or --timeout, bounds the whole run"
	case flowforge.CodeTimeout:
		return "`timeout` of the node bounds one attempt; `retry` tries again"
	case flowforge.CodeNodeTimeout:
		return "`node_timeout` of the node bounds all of its attempts and elements"
	case flowforge.CodePanic:
		return "this is a fault of the node type, not of the workflow"
	case flowforge.CodeValueTooLarge:
		return fmt.Sprintf("a value has at most %d MiB: work on parts of it", flowforge.MaxValueSize>>20)
	default:
		return ""
	}
}
