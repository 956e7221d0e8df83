package connectors

import (
	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors/egress"
	"github.com/flowforge-go/flowforge/nodes"
)

// advise says of an error of the guard whether trying again makes sense, and whether nothing has happened.
func advise(err error) error {
	advised := err
	switch flowforge.CodeOf(err) {
	case egress.CodeDenied, egress.CodeInvalid, egress.CodeRedirect, egress.CodeEncoding, egress.CodeTooLarge, CodeHost:
		advised = nodes.Permanent(err)
	default:
	}
	if egress.NotSent(err) {
		advised = nodes.NotDone(advised)
	}
	return advised
}
