package builtin

import (
	"context"
	"encoding/xml"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/flowforge-go/flowforge"
)

var xmlNamePattern = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_.\-]*(:[\p{L}_][\p{L}\p{N}_.\-]*)?$`)

// xmlWriter makes XML of objects as xmlReader gives them.
type xmlWriter struct {
	ctx    context.Context //nolint:containedctx // lives as long as one call
	text   strings.Builder
	indent bool
	steps  int
}

func writeXML(ctx context.Context, x any, indent bool) (string, error) {
	root, ok := x.(map[string]any)
	if !ok || len(root) != 1 {
		return "", refuse(codeInvalidData, "XML has one root element: give an object with one field, not %s", describe(x))
	}
	w := &xmlWriter{ctx: ctx, indent: indent}
	for name, content := range root {
		if list, ok := content.([]any); ok && len(list) != 1 {
			return "", refuse(codeInvalidData, "XML has one root element, and %q is %s", name, describe(content))
		}
		if err := w.elements(name, content, 0); err != nil {
			return "", err
		}
	}
	return w.text.String(), nil
}

// elements writes an element, or one for each item of a list.
func (w *xmlWriter) elements(name string, content any, depth int) error {
	list, ok := content.([]any)
	if !ok {
		return w.element(name, content, depth)
	}
	for _, item := range list {
		if err := w.element(name, item, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *xmlWriter) element(name string, content any, depth int) error {
	w.steps++
	switch {
	case w.steps%pace == 0 && w.ctx.Err() != nil:
		return context.Cause(w.ctx)
	case !xmlNamePattern.MatchString(name):
		return refuse(codeInvalidData, "%q cannot be the name of an XML element", shorten(name))
	case depth > maxXMLDepth:
		return refuse(codeInvalidData, "elements are nested more than %d deep", maxXMLDepth)
	case w.text.Len() > flowforge.MaxValueSize:
		return refuse(flowforge.CodeValueTooLarge, "the XML is larger than %d MiB", flowforge.MaxValueSize>>20)
	}
	w.newLine(depth)
	w.text.WriteString("<" + name)
	fields, ok := content.(map[string]any)
	if !ok {
		if _, list := content.([]any); list {
			return refuse(codeInvalidData, "%q is a list within a list, for which XML has no form", name)
		}
		w.close(name, scalarText(content))
		return nil
	}
	children, err := w.attributes(fields)
	if err != nil {
		return err
	}
	if len(children) == 0 {
		w.close(name, scalarText(fields[xmlText]))
		return nil
	}
	w.text.WriteString(">")
	w.escape(scalarText(fields[xmlText]))
	for _, child := range children {
		if err := w.elements(child, fields[child], depth+1); err != nil {
			return err
		}
	}
	w.newLine(depth)
	w.text.WriteString("</" + name + ">")
	return nil
}

// attributes writes the attributes and gives the names of the children, both sorted.
func (w *xmlWriter) attributes(fields map[string]any) (children []string, err error) {
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		name, isAttribute := strings.CutPrefix(key, xmlAttributes)
		if !isAttribute {
			if key != xmlText {
				children = append(children, key)
			}
			continue
		}
		switch fields[key].(type) {
		case []any, map[string]any:
			return nil, refuse(codeInvalidData, "the attribute %q is %s, not text", name, describe(fields[key]))
		}
		if !xmlNamePattern.MatchString(name) {
			return nil, refuse(codeInvalidData, "%q cannot be the name of an XML attribute", shorten(name))
		}
		w.text.WriteString(" " + name + `="`)
		w.escape(scalarText(fields[key]))
		w.text.WriteString(`"`)
	}
	return children, nil
}

func (w *xmlWriter) close(name, text string) {
	if text == "" {
		w.text.WriteString("/>")
		return
	}
	w.text.WriteString(">")
	w.escape(text)
	w.text.WriteString("</" + name + ">")
}

func (w *xmlWriter) newLine(depth int) {
	if w.indent && w.text.Len() > 0 {
		w.text.WriteString("\n" + strings.Repeat("  ", depth))
	}
}

func (w *xmlWriter) escape(text string) {
	_ = xml.EscapeText(&w.text, []byte(text)) // a strings.Builder takes everything
}

// scalarText writes what is no list or object; null is nothing.
func scalarText(x any) string {
	if x == nil {
		return ""
	}
	return textOf(x)
}
