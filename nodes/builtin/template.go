package builtin

import (
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"strings"
	texttemplate "text/template"
	"text/template/parse"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type templateParams struct {
	Template string           `json:"template" jsonschema_description:"The template: text with [[ .field ]] in it." jsonschema_extras:"x-multiline=true"`
	Format   string           `json:"format,omitempty" jsonschema:"enum=text,enum=html,default=text" jsonschema_description:"html: what is put in is escaped as its place in the page needs, so that data cannot become markup or script."`
	Data     *flowforge.Value `json:"data,omitempty" jsonschema_description:"What the template sees as the dot. Without it: the input."`
}

const formatHTML = "html"

// The delimiters of templates: {{ and }} are those of expressions, which are evaluated before the node runs.
const (
	templateOpen  = "[["
	templateClose = "]]"
)

// The bounds of data.template.
const (
	maxTemplate       = 256 << 10 // bytes of source
	maxTemplateBlocks = 40        // if, with and range within each other
	maxTemplateRanges = 6         // range within each other: html/template reads the body of each twice
	maxTemplateSteps  = 500_000   // passes of all loops together
	maxTemplateText   = 1 << 20   // bytes of what one function makes
)

func runTemplate(ctx context.Context, call *nodes.Call, p templateParams) (flowforge.Value, error) {
	if len(p.Template) > maxTemplate {
		return flowforge.Value{}, refuse(flowforge.CodeValueTooLarge,
			"the template has %d KiB: %d are the most", len(p.Template)>>10, maxTemplate>>10)
	}
	meter := &templateMeter{ctx: ctx}
	execute, err := parseTemplate(p.Template, p.Format, meter)
	if err != nil {
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "the template cannot be read: %s", templateError(err))
	}
	if err := execute(&meter.out, given(call, p.Data)); err != nil {
		return flowforge.Value{}, meter.fail(err)
	}
	return freeze(meter.out.String())
}

type executor func(w io.Writer, data any) error

// parseTemplate reads a template and puts a meter into its loops.
func parseTemplate(source, format string, meter *templateMeter) (executor, error) {
	functions := meter.functions()
	switch format {
	case "", encodingText:
		t, err := texttemplate.New("template").Delims(templateOpen, templateClose).Funcs(functions).Parse(source)
		if err != nil {
			return nil, err
		}
		return t.Execute, rework(t.Tree, len(t.Templates()))
	case formatHTML:
		t, err := htmltemplate.New("template").Delims(templateOpen, templateClose).Funcs(functions).Parse(source)
		if err != nil {
			return nil, err
		}
		return t.Execute, rework(t.Tree, len(t.Templates()))
	}
	return nil, fmt.Errorf("there is no format %q: write text or html", format)
}

// templateMeter counts what a template does while it runs.
type templateMeter struct {
	ctx   context.Context //nolint:containedctx // lives as long as one call
	steps int
	out   boundedText
}

var errTemplateSteps = errors.New("the loops of the template take too many steps")

// tick is called at each pass of a loop.
func (m *templateMeter) tick() (bool, error) {
	m.steps++
	if m.steps > maxTemplateSteps {
		return false, errTemplateSteps
	}
	if m.steps%pace == 0 && m.ctx.Err() != nil {
		return false, context.Cause(m.ctx)
	}
	return true, nil
}

func (m *templateMeter) fail(err error) error {
	switch {
	case m.ctx.Err() != nil && errors.Is(err, context.Cause(m.ctx)):
		return context.Cause(m.ctx)
	case errors.Is(err, errTextTooLarge):
		return refuse(flowforge.CodeValueTooLarge, "the text that the template makes is too large: %s", templateError(err))
	}
	return refuse(codeInvalidData, "the template cannot be filled in: %s", templateError(err))
}

// templateError drops the words of the library that mean nothing to an author.
func templateError(err error) string {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/"), "template: ")
	return strings.ReplaceAll(strings.Replace(text, "template:", "line ", 1), `executing "template" `, "")
}

// rework puts the meter into every loop and "show" behind everything that is put into the text.
func rework(tree *parse.Tree, templates int) error {
	if templates > 1 {
		return errors.New("define, block and template cannot be used here")
	}
	if tree == nil || tree.Root == nil {
		return nil
	}
	return reworkList(tree.Root, 0, 0)
}

func reworkList(list *parse.ListNode, blocks, ranges int) error {
	if list == nil {
		return nil
	}
	if blocks > maxTemplateBlocks || ranges > maxTemplateRanges {
		return fmt.Errorf("its blocks are nested more than %d deep, or its loops more than %d", maxTemplateBlocks, maxTemplateRanges)
	}
	for _, node := range list.Nodes {
		var branch *parse.BranchNode
		switch node := node.(type) {
		case *parse.ActionNode:
			if len(node.Pipe.Decl) == 0 {
				node.Pipe.Cmds = append(node.Pipe.Cmds, commandOf(node.Pos, "show"))
			}
			continue
		case *parse.TemplateNode:
			return errors.New("define, block and template cannot be used here")
		case *parse.IfNode:
			branch = &node.BranchNode
		case *parse.WithNode:
			branch = &node.BranchNode
		case *parse.RangeNode:
			if err := reworkList(node.List, blocks+1, ranges+1); err != nil {
				return err
			}
			node.List.Nodes = append([]parse.Node{tickNode(node.Pos)}, node.List.Nodes...)
			if err := reworkList(node.ElseList, blocks+1, ranges); err != nil {
				return err
			}
			continue
		default:
			continue
		}
		if err := errors.Join(reworkList(branch.List, blocks+1, ranges), reworkList(branch.ElseList, blocks+1, ranges)); err != nil {
			return err
		}
	}
	return nil
}

func commandOf(pos parse.Pos, function string) *parse.CommandNode {
	return &parse.CommandNode{
		NodeType: parse.NodeCommand, Pos: pos,
		Args: []parse.Node{parse.NewIdentifier(function).SetPos(pos)},
	}
}

// tickNode is {{ $tick := tick }}: an assignment, since html/template would escape the result of an action.
func tickNode(pos parse.Pos) parse.Node {
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: pos, Pipe: &parse.PipeNode{
		NodeType: parse.NodePipe, Pos: pos,
		Decl: []*parse.VariableNode{{NodeType: parse.NodeVariable, Pos: pos, Ident: []string{"$tick"}}},
		Cmds: []*parse.CommandNode{commandOf(pos, "tick")},
	}}
}

// checkTemplate finds templates that cannot be read, and expressions within them.
func checkTemplate(params flowforge.Value) flowforge.Problems {
	source, _ := written(params, "template").(string)
	trimmed := strings.TrimSpace(source)
	switch {
	case isTemplate(source) && strings.HasPrefix(trimmed, "{{") && strings.HasSuffix(trimmed, "}}") && strings.Count(source, "{{") == 1:
		return nil // the whole template comes from elsewhere
	case isTemplate(source):
		return flowforge.Problems{problem("/template",
			"write [[ .field ]] here, not {{ input.field }}: an expression is put in before the template is read, "+
				"so that its result would be read as template, and not be escaped")}
	}
	format, _ := written(params, "format").(string)
	if isTemplate(format) {
		return nil
	}
	if _, err := parseTemplate(source, format, &templateMeter{}); err != nil {
		return flowforge.Problems{problem("/template", "the template cannot be read: %s", templateError(err))}
	}
	return nil
}

func templateType() nodes.Type {
	input := flowforge.MustValue(map[string]any{"name": "Ada <ada@x.org>", "rows": []any{map[string]any{"n": 1}, map[string]any{"n": 2.5}}})
	t := nodes.Define(nodes.Spec{
		Type: "data.template", Version: 1, Title: "Template", Category: categoryData, Icon: "file-code", Kind: nodes.Pure,
		Doc: "Fills a template in with data: the text of a mail, a page, a report.\n\n" +
			"The language is Go's text/template between `[[` and `]]`: `[[ .name ]]`, `[[ if .vip ]]…[[ else ]]…[[ end ]]`, " +
			"`[[ range .rows ]]…[[ end ]]`. Fields that are missing are empty. Beside the language's own functions there are " +
			"`json`, `default` (`[[ .name | default \"you\" ]]`), `join`, `upper`, `lower` and `trim`. With `format: html` all " +
			"that is put in is escaped as its place needs. Loops and text are bounded.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The text."}},
		Output:  flowforge.MustValue(map[string]any{"type": "string"}),
		Examples: []nodes.Example{
			{
				Title:  "A text",
				Params: flowforge.MustValue(map[string]any{"template": "Hello [[ .name ]]:[[ range .rows ]] [[ .n ]][[ end ]]"}),
				Input:  input,
				Want:   flowforge.Out(flowforge.MustValue("Hello Ada <ada@x.org>: 1 2.5")),
			},
			{
				Title: "A page",
				Params: flowforge.MustValue(map[string]any{
					"template": `<p title="[[ .name ]]">[[ .name ]]</p>`, "format": formatHTML,
				}),
				Input: input,
				Want:  flowforge.Out(flowforge.MustValue(`<p title="Ada &lt;ada@x.org&gt;">Ada &lt;ada@x.org&gt;</p>`)),
			},
		},
	}, runTemplate)
	t.Check = checkTemplate
	return t
}
