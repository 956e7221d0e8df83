package builtin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

func TestTemplate(t *testing.T) {
	t.Parallel()
	text := func(name, template string, input, want any) row {
		return row{name: name, params: object{"template": template}, input: input, want: want}
	}
	page := func(name, template string, input, want any) row {
		return row{name: name, params: object{"template": template, "format": "html"}, input: input, want: want}
	}
	bad := func(name, template string, code flowforge.Code, says string) row {
		return row{name: name, params: object{"template": template}, input: object{"rows": list{1, 2}, "s": "x"}, code: code, says: says}
	}
	testRows(t, "data.template", []row{
		text("no field", "[[ .a ]]<[[ .missing ]]>", object{"a": nil}, "<>"),
		text("numbers and objects", "[[ .n ]] [[ .f ]] [[ .o ]] [[ .b ]]", object{"n": int64(9007199254740993), "f": 1e21, "o": object{"a": list{1}}, "b": true}, `9007199254740993 1e+21 {"a":[1]} true`),
		text("comparison over kinds of numbers", "[[ if lt .a .b ]]less[[ end ]][[ if eq .a 1.0 ]] one[[ end ]]", object{"a": 1, "b": 1.5}, "less one"),
		text("loop", `[[ range $i, $x := . ]][[ if $i ]], [[ end ]][[ $x ]][[ else ]]none[[ end ]]`, list{"a", 2}, "a, 2"),
		text("loop over nothing", `[[ range . ]]x[[ else ]]none[[ end ]]`, list{}, "none"),
		text("functions", `[[ .x | default "d" ]] [[ json .o ]] [[ join ", " .l ]] [[ upper .s ]] [[ printf "%05.1f|%s|%d" 2.25 "a" 3 ]] [[ html "<" ]]`, object{"o": object{"a": "<"}, "l": list{1, "b"}, "s": "é"}, `d {"a":"<"} 1, b É 002.2|a|3 &lt;`),
		text("variables", `[[ $n := .n ]][[ range .l ]][[ $n ]][[ end ]]`, object{"n": 7, "l": list{1, 2}}, "77"),
		text("data is no template", "[[ .t ]]", object{"t": "[[ .secret ]]"}, "[[ .secret ]]"),
		page("text", `<b>[[ .x ]]</b>`, object{"x": "<script>"}, "<b>&lt;script&gt;</b>"),
		page("attribute without quotes", `<a title=[[ .x ]]>`, object{"x": "a onclick=b"}, "<a title=a&#32;onclick&#61;b>"),
		page("link", `<a href="[[ .x ]]">`, object{"x": "javascript:alert(1)"}, `<a href="#ZgotmplZ">`),
		page("script", `<script>var x = [[ .x ]];</script>`, object{"x": object{"a": list{"</script>", nil}}}, `<script>var x = {"a":["\u003c/script\u003e",null]};</script>`),
		page("loop in a script", `<script>[[ range . ]]f([[ . ]]);[[ end ]]</script>`, list{1, "a", nil}, `<script>f( 1 );f("a");f( null );</script>`),
		page("missing", `<b>[[ .x ]]</b>`, object{}, "<b></b>"),
		bad("syntax", "a\n[[ .x", flowforge.CodeInvalidParams, "the template cannot be read: line 2"),
		bad("unknown function", "[[ env \"HOME\" ]]", flowforge.CodeInvalidParams, `"env" not defined`),
		bad("define", `[[ define "a" ]]x[[ end ]]`, flowforge.CodeInvalidParams, "cannot be used"),
		bad("recursion", `[[ template "template" . ]]`, flowforge.CodeInvalidParams, "cannot be used"),
		bad("field of a text", "[[ .s.x ]]", "invalid_data", "cannot be filled in"),
		bad("method", "[[ .s.String ]]", "invalid_data", "cannot be filled in"),
		bad("deep loops", strings.Repeat("[[ range .rows ]]", 9)+strings.Repeat("[[ end ]]", 9), flowforge.CodeInvalidParams, "nested"),
		bad("deep blocks", strings.Repeat("[[ if .rows ]]", 99)+strings.Repeat("[[ end ]]", 99), flowforge.CodeInvalidParams, "nested"),
		bad("long loop", "[[ range 1000000000 ]][[ end ]]", "invalid_data", "too many steps"),
		bad("loops in loops", "[[ range 10000 ]][[ range 10000 ]][[ end ]][[ end ]]", "invalid_data", "too many steps"),
		bad("long text", `[[ $x := "0123456789012345678901234567890123456789" ]][[ range 1000000 ]][[ $x ]][[ end ]]`, flowforge.CodeValueTooLarge, "too large"),
		bad("doubled text", `[[ $x := "01234567890123456789" ]][[ range 40 ]][[ $x = print $x $x ]][[ end ]]`, flowforge.CodeValueTooLarge, "too large"),
		bad("doubled by printf", `[[ $x := "01234567890123456789" ]][[ range 40 ]][[ $x = printf "%s%s" $x $x ]][[ end ]]`, flowforge.CodeValueTooLarge, "too large"),
		bad("wide", `[[ printf "%999999d%999999d%999999d" 1 2 3 ]]`, flowforge.CodeValueTooLarge, "too large"),
	})
}

func TestTemplateStopsWhenCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	typ := typeOf(t, "data.template")
	call, err := (&nodetest.Host{}).Call(ctx, typ, object{"template": "[[ range 1000000 ]][[ end ]]"})
	require.NoError(t, err)
	cancel()
	_, err = typ.Node.Execute(ctx, call)
	require.ErrorIs(t, err, context.Canceled)
}

func TestXML(t *testing.T) {
	t.Parallel()
	parse := func(name, xml string, want any) row {
		return row{name: name, params: object{"action": "parse"}, input: xml, want: want}
	}
	bad := func(name, xml, says string) row {
		return row{name: name, params: object{"action": "parse"}, input: xml, code: "invalid_data", says: says}
	}
	write := func(name string, value, want any) row {
		return row{name: name, params: object{"action": "write", "value": value}, want: want}
	}
	testRows(t, "data.xml", []row{
		parse("text", `<?xml version="1.0" encoding="UTF-8"?><!-- c --><a> x &amp; <![CDATA[<y>]]> </a>`, object{"a": " x & <y> "}),
		parse("empty", `<a/>`, object{"a": ""}),
		parse("mixed", `<a n="1">x<b/>y</a>`, object{"a": object{"@n": "1", "b": "", "#text": "xy"}}),
		parse("list", `<a><b>1</b><c/><b>2</b><b k="v"/></a>`, object{"a": object{"b": list{"1", "2", object{"@k": "v"}}, "c": ""}}),
		parse("prefixes", `<s:E xmlns:s="urn:x"><s:B s:i="1"/></s:E>`, object{"s:E": object{"@xmlns:s": "urn:x", "s:B": object{"@s:i": "1"}}}),
		{name: "lists", params: object{"action": "parse", "lists": list{"b"}}, input: `<a><b/></a>`, want: object{"a": object{"b": list{""}}}},
		bad("entities", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, "DOCTYPE"),
		bad("unknown entity", `<a>&x;</a>`, "entity"),
		bad("not ended", `<a><b></a>`, "<b> is ended by </a>"),
		bad("cut", `<a><b>`, "<b> does not end"),
		bad("ended twice", `<a></a></a>`, "</a> ends what has not begun"),
		bad("two roots", `<a/><b/>`, "second root"),
		bad("text outside", `<a/>x`, "outside of the root"),
		bad("nothing", ` `, "no element"),
		bad("attribute twice", `<a b="1" b="2"/>`, "twice"),
		bad("charset", `<?xml version="1.0" encoding="latin1"?><a/>`, "latin1"),
		bad("deep", strings.Repeat("<a>", 300)+strings.Repeat("</a>", 300), "nested more than 200 deep"),
		bad("line", "<a>\n<b>\n</c></a>", "line 3"),
		{name: "many", params: object{"action": "parse"}, input: "<a>" + strings.Repeat("<b/>", 600_000) + "</a>", code: flowforge.CodeValueTooLarge},
		write("attributes and text", object{"a": object{"@z": 1, "@b": "<\"", "#text": "x & y"}}, `<a b="&lt;&#34;" z="1">x &amp; y</a>`),
		write("children", object{"a": object{"b": list{1, nil, true}, "c": object{}}}, `<a><b>1</b><b/><b>true</b><c/></a>`),
		{name: "indent", params: object{"action": "write", "indent": true, "value": object{"a": object{"b": list{1, 2}}}}, want: "<a>\n  <b>1</b>\n  <b>2</b>\n</a>"},
		{name: "no root", params: object{"action": "write", "value": list{}}, code: "invalid_data", says: "one root"},
		{name: "two roots to write", params: object{"action": "write", "value": object{"a": list{1, 2}}}, code: "invalid_data", says: "one root"},
		{name: "bad name", params: object{"action": "write", "value": object{"a b": 1}}, code: "invalid_data", says: `"a b" cannot be the name`},
		{name: "injected name", params: object{"action": "write", "value": object{"a": object{"@b=\"1\" c": 1}}}, code: "invalid_data", says: "cannot be the name"},
		{name: "list in a list", params: object{"action": "write", "value": object{"a": object{"b": list{list{1}}}}}, code: "invalid_data", says: "a list within a list"},
		{name: "attribute of a list", params: object{"action": "write", "value": object{"a": object{"@b": list{}}}}, code: "invalid_data", says: "not text"},
	})
}

func TestHTML(t *testing.T) {
	t.Parallel()
	const page = `<title>T</title><div id=x class="a b"><p>One <b>two</b><p>Three<!-- c --><script>no()</script><img src=i.png alt="">
		<ul><li>1<li class=on>2<li>3</ul></div><div><p title="He said &quot;x&quot;">Four</p><span>5</span></div>`
	one := func(name, selector string, want any) row {
		return row{name: name, params: object{"fields": object{"x": object{"selector": selector, "list": true}}}, input: page, want: object{"x": want}}
	}
	take := func(name string, field object, want any) row {
		return row{name: name, params: object{"fields": object{"x": field}}, input: page, want: object{"x": want}}
	}
	bad := func(name, selector, says string) row {
		return row{name: name, params: object{"fields": object{"x": object{"selector": selector}}}, input: page, code: flowforge.CodeInvalidParams, says: says}
	}
	testRows(t, "data.html", []row{
		one("descendant", "div p", list{"One two", "Three", "Four"}),
		one("child", "body>div > p", list{"One two", "Three", "Four"}),
		one("next", "li + li", list{"2", "3"}),
		one("siblings", "li ~ li", list{"2", "3"}),
		one("siblings further on", "p:first-child ~ ul", list{"1 2 3"}),
		one("group, in order of the page", "span, b , title", list{"T", "two", "5"}),
		one("class and id", "#x.a.b > ul li.on", list{"2"}),
		one("attribute with signs", `p[title="He said \"x\""]`, list{"Four"}),
		one("nth", "li:nth-child(2n + 1)", list{"1", "3"}),
		one("not and has", "p:not([title]):has(b)", list{"One two"}),
		one("contains", `p:contains("Th ree"), p:contains(Thr)`, list{"Three"}),
		one("none", "table td", list{}),
		take("text of the page", object{"selector": "ul"}, "1 2 3"),
		take("first", object{"selector": "p"}, "One two"),
		take("missing", object{"selector": "h1"}, nil),
		take("attribute", object{"selector": "img", "take": "attribute", "attribute": "SRC"}, "i.png"),
		take("empty attribute", object{"selector": "img", "take": "attribute", "attribute": "alt"}, ""),
		take("no such attribute", object{"selector": "img", "take": "attribute", "attribute": "href"}, nil),
		take("html", object{"selector": "p b", "take": "html"}, "<b>two</b>"),
		take("inner html", object{"selector": "p", "take": "inner_html"}, "One <b>two</b>"),
		{name: "rows", params: object{"items": "div", "fields": object{"n": object{"selector": "p", "list": true}, "self": object{"take": "attribute", "attribute": "id"}}}, input: page, want: list{object{"n": list{"One two", "Three"}, "self": "x"}, object{"n": list{"Four"}, "self": nil}}},
		bad("syntax", "div[", "does not end"),
		bad("unknown class", "p:foo", "cannot be read"),
		bad("nothing after a combinator", "div >", "something is missing"),
		bad("nothing before a comma", ", p", "something is missing"),
		bad("complex within brackets", "p:not(div p)", "no spaces"),
		bad("brackets within brackets", "div:has(p:has(b))", "simple selector"),
		bad("too many parts", strings.Repeat("a ", 60)+"b", "more than 50 parts"),
		bad("too long", strings.Repeat("a", 2000), "bytes"),
		{name: "deep", params: object{"fields": object{"x": object{}}}, input: strings.Repeat("<b><i>", 600), code: "invalid_data", says: "512"},
		{name: "large", params: object{"fields": object{"x": object{}}}, input: strings.Repeat("<b/>", 300_000), code: flowforge.CodeValueTooLarge, says: "tags"},
		{name: "multiplied", params: object{"fields": object{"x": object{"selector": "*", "take": "html", "list": true}}}, input: strings.Repeat("<div>", 400) + strings.Repeat("x", 100_000), code: flowforge.CodeValueTooLarge, says: "what is taken"},
	})
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	testRows(t, "data.markdown", []row{
		{name: "safe", params: object{}, input: "<script>x</script> [a](javascript:x) <b>", want: "<!-- raw HTML omitted -->\n"},
		{name: "links", params: object{}, input: "[a](javascript:x) [b](https://x.org)", want: "<p><a href=\"\">a</a> <a href=\"https://x.org\">b</a></p>\n"},
		{name: "table", params: object{}, input: "|a|\n|-|\n|1|", want: "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n</tr>\n</tbody>\n</table>\n"},
		{name: "large", params: object{}, input: strings.Repeat("a ", 300_000), code: flowforge.CodeValueTooLarge, says: "KiB"},
	})
}

// TestHostileTextEndsSoon has what takes parsers long: each either is refused or done within the patience of one
// test, which is 100 times what the slowest takes.
func TestHostileTextEndsSoon(t *testing.T) {
	t.Parallel()
	const n = 400 << 10
	repeat := func(text string) string { return strings.Repeat(text, n/len(text)) }
	staircase := strings.Builder{}
	for i := range 800 {
		staircase.WriteString(strings.Repeat(" ", 2*i) + "- a\n")
	}
	fields := object{"fields": object{"x": object{"selector": "b ~ b ~ b ~ b ~ i, :nth-last-child(1) *", "list": true}}}
	for name, test := range map[string]struct {
		typ    string
		params any
		input  string
	}{
		"quotes":       {"data.markdown", object{}, repeat(">")},
		"lists":        {"data.markdown", object{}, repeat("- ")},
		"numbers":      {"data.markdown", object{}, repeat("1. ")},
		"staircase":    {"data.markdown", object{}, staircase.String()},
		"brackets":     {"data.markdown", object{}, repeat("[a](")},
		"emphasis":     {"data.markdown", object{}, repeat("a_*")},
		"strikes":      {"data.markdown", object{}, repeat("~a~~b")},
		"ticks":        {"data.markdown", object{}, repeat("`a``b")},
		"wide table":   {"data.markdown", object{}, strings.Repeat("|", 500) + "\n" + strings.Repeat("-|", 500) + "\n" + strings.Repeat("|a\n", 50_000)},
		"many strikes": {"data.markdown", object{}, strings.Repeat(strings.Repeat("~a~~b", 1000)+"\n\n", 80)},
		"siblings":     {"data.html", fields, "<p>" + strings.Repeat("<b></b>", 20_000)},
		"entities":     {"data.html", fields, repeat("&lt")},
		"tables":       {"data.html", fields, repeat("<table><td>")},
		"formatting":   {"data.html", fields, repeat("<a><b><p>")},
		"xml brackets": {"data.xml", object{"action": "parse"}, repeat("<")},
		"xml comments": {"data.xml", object{"action": "parse"}, "<a>" + repeat("<!---->")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			typ := typeOf(t, test.typ)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = nodetest.Run(t, typ, test.params, test.input)
			}()
			select {
			case <-ended:
			case <-ctx.Done():
				require.Fail(t, "it does not end")
			}
		})
	}
}
