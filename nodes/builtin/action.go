package builtin

import (
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

// Actions that several types share.
const (
	actionParse = "parse"
	actionWrite = "write"
)

// noAction says which actions there are.
func noAction(action string, known ...string) error {
	return refuse(flowforge.CodeInvalidParams, "there is no action %q: write %s", action, strings.Join(known, " or "))
}

// givenText gives the text to work on: the parameter, or the input where there is none.
func givenText(call *nodes.Call, name string, param *flowforge.Value) (string, error) {
	x := given(call, param)
	text, ok := x.(string)
	switch {
	case ok:
		return text, nil
	case param == nil:
		return "", refuse(codeInvalidData, "the input is %s, not text: name the text in the parameter %q, such as \"{{ input.body }}\"",
			describe(x), name)
	}
	return "", refuse(flowforge.CodeInvalidParams, "%s is %s, not text", name, describe(x))
}
