package builtin

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type renameParams struct {
	Items  *flowforge.Value  `json:"items,omitempty" jsonschema_description:"The object, or list of objects, to work on. Without it: the input."`
	Fields map[string]string `json:"fields" jsonschema:"minProperties=1" jsonschema_description:"New names by old ones. An old name may be a path such as address.city; the new one is a plain name and the field stays where it is."`
}

func runRename(_ context.Context, call *nodes.Call, p renameParams) (flowforge.Value, error) {
	x := given(call, p.Items)
	switch x.(type) {
	case map[string]any, []any:
	default:
		return flowforge.Value{}, refuse(codeInvalidData, "the fields of an object or of a list of objects can be renamed, not %s", describe(x))
	}
	tree := make(fieldTree, len(p.Fields))
	for _, path := range slices.Sorted(maps.Keys(p.Fields)) {
		tree.add(path).rename = p.Fields[path]
	}
	return freeze(tree.renamed(x))
}

func checkRename(params flowforge.Value) flowforge.Problems {
	fields, _ := written(params, "fields").(map[string]any)
	var problems flowforge.Problems
	taken := make(map[string]string, len(fields))
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		pointer := "/fields/" + flowforge.EscapePointer(path)
		name, ok := fields[path].(string)
		parent := path[:strings.LastIndex(path, ".")+1]
		switch other, twice := taken[parent+name]; {
		case !ok || isTemplate(name):
			continue
		case name == "":
			problems = append(problems, problem(pointer, "the new name is empty: to drop a field use core.set with remove"))
		case twice:
			problems = append(problems, problem(pointer, "%q and %q get the same name %q: one would be lost", other, path, name))
		}
		taken[parent+name] = path
	}
	return problems
}

func renameType() nodes.Type {
	t := nodes.Define(nodes.Spec{
		Type: "core.rename", Version: 1, Title: "Rename fields", Category: categoryItems, Icon: "replace", Kind: nodes.Pure,
		Doc: "Renames fields of an object, or of each object of a list.\n\n" +
			"All names change at once, so that two fields may swap theirs. A field that is not there is passed over; " +
			"a field that has the new name already is replaced.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The object or list, with the new names."}},
		Examples: []nodes.Example{{
			Title:  "Names of another system",
			Params: flowforge.MustValue(map[string]any{"fields": map[string]any{"e_mail": "email", "address.zip": "postcode"}}),
			Input:  flowforge.MustValue([]any{map[string]any{"e_mail": "ada@example.com", "address": map[string]any{"zip": "75001"}}}),
			Want: flowforge.Out(flowforge.MustValue([]any{
				map[string]any{"email": "ada@example.com", "address": map[string]any{"postcode": "75001"}},
			})),
		}},
	}, runRename)
	t.Check = checkRename
	return t
}
