package rest

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
)

// anything is the condition of who overwrites whatever there is.
const anything = "*"

// condition gives the hash that a request wants there to be: of If-None-Match where it reads, else of If-Match, which
// must be said. It is empty for anything.
func condition(r *http.Request, method string) (string, error) {
	if method == http.MethodGet {
		return unquoted(r.Header.Get("If-None-Match")), nil
	}
	given := strings.TrimSpace(r.Header.Get("If-Match"))
	switch given {
	case "":
		return "", flowforge.Errorf(CodePrecondition, "send the ETag that was read in the header If-Match")
	case anything:
		return "", nil
	}
	hash := unquoted(given)
	if hash == "" {
		return "", flowforge.Errorf(flowforge.CodeChanged, "the header If-Match is not an ETag of this API")
	}
	return hash, nil
}

// unquoted gives what is in a strong ETag; empty where it is none.
func unquoted(tag string) string {
	tag = strings.TrimSpace(tag)
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' || strings.Count(tag, `"`) != 2 {
		return ""
	}
	return tag[1 : len(tag)-1]
}

// Quoted makes an ETag.
func Quoted(hash string) string { return `"` + hash + `"` }

// conditionParam is how the document describes the header of a condition.
func conditionParam(method string) *huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	if method == http.MethodGet {
		return &huma.Param{
			Name: "If-None-Match", In: "header", Schema: text,
			Description: "An ETag that was read before: where it is still that one, the answer is 304 without a body.",
		}
	}
	return &huma.Param{
		Name: "If-Match", In: "header", Required: true, Schema: text, Example: `"*"`,
		Description: "The ETag that was read: where it is another one by now, nothing is changed (412). " +
			"`*` overwrites whatever there is.",
	}
}
