package builtin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type htmlParams struct {
	HTML   *flowforge.Value     `json:"html,omitempty" jsonschema:"type=string" jsonschema_description:"The HTML text. Without it: the input."`
	Items  string               `json:"items,omitempty" jsonschema_description:"A CSS selector: emit a list with an object for each element it finds, the fields looked up within it. Without it: one object, of the whole page."`
	Fields map[string]htmlField `json:"fields" jsonschema:"minProperties=1" jsonschema_description:"What to take, by the name of the field that gets it."`
}

type htmlField struct {
	Selector  string `json:"selector,omitempty" jsonschema_description:"A CSS selector. Without it: the element itself, or the page."`
	Take      string `json:"take,omitempty" jsonschema:"enum=text,enum=html,enum=inner_html,enum=attribute,default=text" jsonschema_description:"text: the words, white space made single; html: the element as HTML; inner_html: what is in it; attribute: the one named by attribute."`
	Attribute string `json:"attribute,omitempty" jsonschema_description:"For attribute: its name, such as href."`
	List      bool   `json:"list,omitempty" jsonschema_description:"Take all elements that the selector finds, as a list. Without it: the first, or null."`
}

// The bounds of HTML.
const (
	maxHTML      = 8 << 20 // bytes
	maxHTMLNodes = 250_000
)

// extractor takes fields out of a page.
type extractor struct {
	ctx    context.Context //nolint:containedctx // lives as long as one call
	names  []string
	fields map[string]htmlField
	finds  map[string]*cssSelector // by field
	size   int                     // bytes taken
}

func runHTML(ctx context.Context, call *nodes.Call, p htmlParams) (flowforge.Value, error) {
	text, err := givenText(call, "html", p.HTML)
	if err != nil {
		return flowforge.Value{}, err
	}
	e, err := newExtractor(ctx, p.Fields)
	if err != nil {
		return flowforge.Value{}, err
	}
	page, err := parseHTML(ctx, text)
	if err != nil {
		return flowforge.Value{}, err
	}
	if p.Items == "" {
		row, err := e.row(page)
		if err != nil {
			return flowforge.Value{}, err
		}
		return freeze(row)
	}
	items, err := parseSelector(p.Items)
	if err != nil {
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "items: %w", err)
	}
	found, err := items.find(ctx, page)
	if err != nil {
		return flowforge.Value{}, err
	}
	rows := make([]any, len(found))
	for i, element := range found {
		if rows[i], err = e.row(element); err != nil {
			return flowforge.Value{}, err
		}
	}
	return freeze(rows)
}

func parseHTML(ctx context.Context, text string) (*html.Node, error) {
	if len(text) > maxHTML {
		return nil, refuse(flowforge.CodeValueTooLarge, "the HTML has %d KiB: %d are the most", len(text)>>10, maxHTML>>10)
	}
	if n := strings.Count(text, "<"); n > maxHTMLNodes {
		return nil, refuse(flowforge.CodeValueTooLarge, "the HTML has %d tags: %d are the most", n, maxHTMLNodes)
	}
	page, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil, refuse(codeInvalidData, "the HTML cannot be read: %w", err)
	}
	count := 0
	for range page.Descendants() {
		if count++; count > 2*maxHTMLNodes {
			return nil, refuse(flowforge.CodeValueTooLarge, "the HTML has more than %d elements and texts", 2*maxHTMLNodes)
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return page, nil
}

func newExtractor(ctx context.Context, fields map[string]htmlField) (*extractor, error) {
	e := &extractor{ctx: ctx, names: slices.Sorted(maps.Keys(fields)), fields: fields, finds: make(map[string]*cssSelector, len(fields))}
	for name, field := range fields {
		if field.Take == "attribute" && field.Attribute == "" {
			return nil, refuse(flowforge.CodeInvalidParams, "fields.%s: attribute is missing: name the one to take, such as href", name)
		}
		if field.Selector == "" {
			continue
		}
		selector, err := parseSelector(field.Selector)
		if err != nil {
			return nil, refuse(flowforge.CodeInvalidParams, "fields.%s.selector: %w", name, err)
		}
		e.finds[name] = selector
	}
	return e, nil
}

// row takes the fields of one element, or of the page.
func (e *extractor) row(element *html.Node) (any, error) {
	if e.ctx.Err() != nil {
		return nil, context.Cause(e.ctx)
	}
	row := make(map[string]any, len(e.names))
	for _, name := range e.names {
		found := []*html.Node{element}
		if selector := e.finds[name]; selector != nil {
			var err error
			if found, err = selector.find(e.ctx, element); err != nil {
				return nil, err
			}
		}
		x, err := e.take(found, e.fields[name])
		if err != nil {
			return nil, fmt.Errorf("fields.%s: %w", name, err)
		}
		row[name] = x
	}
	return row, nil
}

func (e *extractor) take(found []*html.Node, field htmlField) (any, error) {
	if !field.List {
		if len(found) == 0 {
			return nil, nil
		}
		return e.takeOne(found[0], field)
	}
	list := make([]any, len(found))
	for i, element := range found {
		var err error
		if list[i], err = e.takeOne(element, field); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (e *extractor) takeOne(element *html.Node, field htmlField) (any, error) {
	var text string
	var err error
	switch field.Take {
	case "", "text":
		text = wordsOf(element)
	case "html":
		text, err = markupOf(element)
	case "inner_html":
		text, err = innerMarkupOf(element)
	case "attribute":
		value, found := attributeOf(element, field.Attribute)
		if !found {
			return nil, nil
		}
		text = value
	default:
		err = refuse(flowforge.CodeInvalidParams, "there is nothing called %q to take: write text, html, inner_html or attribute", field.Take)
	}
	if err != nil {
		return nil, err
	}
	if e.size += len(text); e.size > flowforge.MaxValueSize {
		return nil, refuse(flowforge.CodeValueTooLarge,
			"what is taken is larger than %d MiB: choose smaller elements", flowforge.MaxValueSize>>20)
	}
	return text, nil
}

// checkHTML finds selectors that cannot be read.
func checkHTML(params flowforge.Value) flowforge.Problems {
	var problems flowforge.Problems
	check := func(x any, pointer string) {
		text, _ := x.(string)
		if text == "" || isTemplate(text) {
			return
		}
		if _, err := parseSelector(text); err != nil {
			problems = append(problems, problem(pointer, "%s", err))
		}
	}
	check(written(params, "items"), "/items")
	fields, _ := written(params, "fields").(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		pointer := "/fields/" + flowforge.EscapePointer(name)
		field, _ := fields[name].(map[string]any)
		check(field["selector"], pointer+"/selector")
		if field["take"] == "attribute" && field["attribute"] == nil {
			problems = append(problems, problem(pointer+"/take", "attribute is missing: name the one to take, such as href"))
		}
	}
	return problems
}

func htmlType() nodes.Type {
	page := flowforge.MustValue(`<h1>Shop</h1><ul><li><a href="/tea">Tea</a> <b>3</b><li><a href="/milk">Milk</a></ul>`)
	t := nodes.Define(nodes.Spec{
		Type: "data.html", Version: 1, Title: "Extract from HTML", Category: categoryData, Icon: "square-mouse-pointer", Kind: nodes.Pure,
		Doc: "Takes texts, attributes and lists out of HTML by CSS selectors.\n\n" +
			"HTML is read as browsers do, mistakes included. A field whose element is not there is null. " +
			"Within `:not()` and `:has()` stands a simple selector, such as `.ad`, without spaces or further brackets.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "An object of the fields; with items a list of them."}},
		Output:  flowforge.MustValue(map[string]any{"type": []any{"object", "array"}}),
		Examples: []nodes.Example{
			{
				Title: "The title and all links",
				Params: flowforge.MustValue(map[string]any{"fields": map[string]any{
					"title": map[string]any{"selector": "h1"},
					"links": map[string]any{"selector": "a", "take": "attribute", "attribute": "href", "list": true},
				}}),
				Input: page,
				Want:  flowforge.Out(flowforge.MustValue(map[string]any{"title": "Shop", "links": []any{"/tea", "/milk"}})),
			},
			{
				Title: "A row for each product",
				Params: flowforge.MustValue(map[string]any{"items": "ul > li", "fields": map[string]any{
					"name": map[string]any{"selector": "a"}, "price": map[string]any{"selector": "b"},
				}}),
				Input: page,
				Want: flowforge.Out(flowforge.MustValue([]any{
					map[string]any{"name": "Tea", "price": "3"}, map[string]any{"name": "Milk", "price": nil},
				})),
			},
		},
	}, runHTML)
	t.Check = checkHTML
	return t
}
