package builtin_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
	"github.com/flowforge-go/flowforge/nodes/nodetest"
)

// fuzz runs a type; whatever it is given it ends with a value or with an error that has a code and that trying
// again cannot mend.
func fuzz(t *testing.T, typ string, params, input any) {
	t.Helper()
	_, err := nodetest.Run(t, typeOf(t, typ), params, input)
	if err == nil {
		return
	}
	if flowforge.CodeOf(err) == flowforge.CodeExpression {
		return
	}
	require.NotEmpty(t, flowforge.CodeOf(err), "%v", err)
	require.True(t, nodes.AdviceOf(err).Permanent, "%v", err)
	require.True(t, utf8.ValidString(err.Error()), "%q", err)
}

func FuzzXML(f *testing.F) {
	for _, seed := range []string{`<a b="1">x<c/><c>&amp;</c></a>`, `<!DOCTYPE a><a/>`, `<?xml version="1.0"?><s:a xmlns:s="x"/>`, `<a><![CDATA[x]]></a>`, `<a`, "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { fuzz(t, "data.xml", object{"action": "parse"}, text) })
}

func FuzzHTML(f *testing.F) {
	f.Add(`<div><p class=a>x<p>y</div>`, "div > p.a:not(b)")
	f.Add(`<table><td><select><template>`, "td ~ *, :nth-child(2n+1)")
	f.Add(`<svg><math>`, `[a="b\]"] + :has(c)`)
	f.Add("", ":")
	f.Fuzz(func(t *testing.T, text, selector string) {
		fuzz(t, "data.html", object{"items": selector, "fields": object{"x": object{"selector": selector, "list": true, "take": "html"}}}, text)
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add("a[[ .x ]][[ range .l ]][[ . | default 1 ]][[ end ]]", "text")
	f.Add(`<a href="[[ .x ]]" onclick="f([[ .l ]])">[[ if .x ]][[ json . ]][[ end ]]`, "html")
	f.Add(`[[ $x := print 1 ]][[ range $i, $e := .l ]][[ $x = printf "%s%v" $x $e ]][[ break ]][[ end ]]`, "text")
	f.Add(`[[ index .l 1 ]][[ slice .x 0 1 ]][[ len .l ]][[ and .x 1 ]]`, "text")
	f.Fuzz(func(t *testing.T, source, format string) {
		fuzz(t, "data.template", object{"template": source, "format": format}, object{"x": "<&>", "l": list{1, nil, "a", 2.5, object{}}})
		typeOf(t, "data.template").Check(flowforge.MustValue(object{"template": source, "format": format}))
	})
}

func FuzzMarkdown(f *testing.F) {
	f.Add("# a\n\n- b\n  > c\n\n|a|\n|-|\n`x` <b> [l](javascript:x)")
	f.Fuzz(func(t *testing.T, text string) { fuzz(t, "data.markdown", object{}, text) })
}

func FuzzDatetime(f *testing.F) {
	f.Add("2026-01-01T00:00:00Z", "", "dd.MM.yyyy 'at' HH:mm")
	f.Add("01.02.2026", "dd.MM.yyyy", "unix")
	f.Fuzz(func(t *testing.T, text, from, format string) {
		fuzz(t, "data.datetime", object{"action": "format", "from": from, "format": format}, text)
	})
}
