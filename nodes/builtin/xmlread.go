package builtin

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/flowforge-go/flowforge"
)

// The bounds of XML: what is small as text may be large as objects.
const (
	maxXMLDepth = 200
	maxXMLNodes = 500_000 // elements and attributes
)

const (
	xmlText       = "#text"
	xmlAttributes = "@"
)

// xmlElement is an element that has not ended yet.
type xmlElement struct {
	name   string
	fields map[string]any // attributes and children
	text   strings.Builder
}

// xmlReader makes objects of XML.
type xmlReader struct {
	decoder *xml.Decoder
	lists   map[string]bool
	open    []*xmlElement
	nodes   int
	root    map[string]any
}

func parseXML(ctx context.Context, text string, lists []string) (map[string]any, error) {
	r := &xmlReader{decoder: xml.NewDecoder(strings.NewReader(text)), lists: make(map[string]bool, len(lists))}
	r.decoder.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("it says its text is %s: values hold UTF-8, so change the declaration", charset)
	}
	for _, name := range lists {
		r.lists[name] = true
	}
	for tokens := 0; ; tokens++ {
		if tokens%pace == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		token, err := r.decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.take(token)
		}
		if err != nil {
			return nil, r.fail(err)
		}
	}
	switch {
	case len(r.open) > 0:
		return nil, r.fail(fmt.Errorf("<%s> does not end", r.open[len(r.open)-1].name))
	case r.root == nil:
		return nil, r.fail(errors.New("there is no element"))
	}
	return r.root, nil
}

func (r *xmlReader) fail(err error) error {
	if flowforge.CodeOf(err) != "" {
		return err
	}
	line, column := r.decoder.InputPos()
	return refuse(codeInvalidData, "the XML cannot be read at line %d, column %d: %w", line, column, err)
}

func (r *xmlReader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return r.start(token)
	case xml.EndElement:
		return r.end(xmlName(token.Name))
	case xml.CharData:
		if len(r.open) > 0 {
			r.open[len(r.open)-1].text.Write(token)
		} else if strings.TrimSpace(string(token)) != "" {
			return errors.New("there is text outside of the root element")
		}
	case xml.Directive:
		return errors.New("it has a DOCTYPE or another declaration, which is refused: it may expand without end")
	}
	return nil
}

func (r *xmlReader) start(token xml.StartElement) error {
	name := xmlName(token.Name)
	r.nodes += 1 + len(token.Attr)
	switch {
	case len(r.open) == 0 && r.root != nil:
		return fmt.Errorf("<%s> is a second root element", name)
	case len(r.open) >= maxXMLDepth:
		return fmt.Errorf("elements are nested more than %d deep", maxXMLDepth)
	case r.nodes > maxXMLNodes:
		return refuse(flowforge.CodeValueTooLarge, "the XML has more than %d elements and attributes", maxXMLNodes)
	}
	element := &xmlElement{name: name}
	for _, attr := range token.Attr {
		key := xmlAttributes + xmlName(attr.Name)
		if _, twice := element.fields[key]; twice {
			return fmt.Errorf("<%s> has the attribute %s twice", name, key[1:])
		}
		element.put(key, attr.Value)
	}
	r.open = append(r.open, element)
	return nil
}

func (e *xmlElement) put(key string, x any) {
	if e.fields == nil {
		e.fields = make(map[string]any)
	}
	e.fields[key] = x
}

func (r *xmlReader) end(name string) error {
	if len(r.open) == 0 {
		return fmt.Errorf("</%s> ends what has not begun", name)
	}
	element := r.open[len(r.open)-1]
	if element.name != name {
		return fmt.Errorf("<%s> is ended by </%s>", element.name, name)
	}
	r.open = r.open[:len(r.open)-1]
	if len(r.open) == 0 {
		r.root = map[string]any{name: r.listed(name, element.value())}
		return nil
	}
	parent := r.open[len(r.open)-1]
	switch before := parent.fields[name].(type) {
	case nil:
		parent.put(name, r.listed(name, element.value()))
	case []any:
		parent.fields[name] = append(before, element.value())
	default:
		parent.fields[name] = []any{before, element.value()}
	}
	return nil
}

func (r *xmlReader) listed(name string, x any) any {
	if r.lists[name] {
		return []any{x}
	}
	return x
}

// value gives the element as JSON: text where it has nothing else.
func (e *xmlElement) value() any {
	text := e.text.String()
	if e.fields == nil {
		return text
	}
	if text = strings.TrimSpace(text); text != "" {
		e.fields[xmlText] = text
	}
	return e.fields
}

func xmlName(name xml.Name) string {
	if name.Space == "" {
		return name.Local
	}
	return name.Space + ":" + name.Local
}
