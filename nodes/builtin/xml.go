package builtin

import (
	"context"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type xmlParams struct {
	Action string           `json:"action" jsonschema:"enum=parse,enum=write" jsonschema_description:"parse: XML to a value; write: a value to XML."`
	Value  *flowforge.Value `json:"value,omitempty" jsonschema_description:"The XML text, or the object to write. Without it: the input."`
	Lists  []string         `json:"lists,omitempty" jsonschema_description:"For parse: names of elements that are always lists, even if there is only one."`
	Indent bool             `json:"indent,omitempty" jsonschema_description:"For write: over several lines, for people."`
}

func runXML(ctx context.Context, call *nodes.Call, p xmlParams) (flowforge.Value, error) {
	switch p.Action {
	case actionParse:
		text, err := givenText(call, "value", p.Value)
		if err != nil {
			return flowforge.Value{}, err
		}
		tree, err := parseXML(ctx, text, p.Lists)
		if err != nil {
			return flowforge.Value{}, err
		}
		return freeze(tree)
	case actionWrite:
		text, err := writeXML(ctx, given(call, p.Value), p.Indent)
		if err != nil {
			return flowforge.Value{}, err
		}
		return freeze(text)
	}
	return flowforge.Value{}, noAction(p.Action, actionParse, actionWrite)
}

func xmlType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "data.xml", Version: 1, Title: "XML", Category: categoryData, Icon: "code-xml", Kind: nodes.Pure,
		Doc: "Reads XML into an object, or writes an object as XML.\n\n" +
			"The object has one field, named after the root element. An element is an object: its attributes under `@name`, " +
			"its text under `#text`, its children under their names, a list where a name repeats. An element with nothing but " +
			"text is that text; all text stays text (`\"7\"`). Names keep their prefix (`soap:Body`). Comments and the order " +
			"of children of different names are lost. Documents with a DOCTYPE are refused, and so are entities beyond the " +
			"five of XML.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The object, or the text."}},
		Examples: []nodes.Example{
			{
				Title:  "Read a list of books",
				Params: flowforge.MustValue(map[string]any{"action": actionParse, "lists": []any{"book"}}),
				Input:  flowforge.MustValue(`<books year="2026"><book id="1"><title>Go</title></book></books>`),
				Want: flowforge.Out(flowforge.MustValue(map[string]any{"books": map[string]any{
					"@year": "2026", "book": []any{map[string]any{"@id": "1", "title": "Go"}},
				}})),
			},
			{
				Title: "Write a message",
				Params: flowforge.MustValue(map[string]any{
					"action": actionWrite, "value": map[string]any{"to": map[string]any{"@lang": "en", "#text": "Ada & Bob"}},
				}),
				Want: flowforge.Out(flowforge.MustValue(`<to lang="en">Ada &amp; Bob</to>`)),
			},
		},
	}, runXML)
}
