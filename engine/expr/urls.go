package expr

import (
	"net/url"
	"strings"
)

func urlFunctions() []function {
	return []function{
		{
			signature: "urlEncode(text string) string",
			doc:       "Escapes a text so that it can stand in a URL's query or as one part of its path.",
			examples:  []Example{gives(`urlEncode("a b&c/d")`, `"a%20b%26c%2Fd"`)},
			call: func(c *call) (any, error) {
				if err := c.text(3 * len(c.string(0))); err != nil {
					return nil, err
				}
				return strings.ReplaceAll(url.QueryEscape(c.string(0)), "+", "%20"), nil
			},
		},
		{
			signature: "urlDecode(text string) string",
			doc:       "Undoes urlEncode; a + is read as a space.",
			examples:  []Example{gives(`urlDecode("a%20b+c")`, `"a b c"`)},
			call: func(c *call) (any, error) {
				text, err := url.QueryUnescape(c.string(0))
				if err != nil {
					return nil, c.fail("the text holds a %% that two hexadecimal digits do not follow")
				}
				return c.decoded([]byte(text))
			},
		},
		{
			signature: "urlParse(url string) object",
			doc:       "Takes a URL apart. In `query` a name that comes several times has a list.",
			examples: []Example{{
				`urlParse("https://example.com:8080/a?x=1&x=2&y=3#top")`,
				`{"fragment":"top","host":"example.com","path":"/a","port":"8080","query":{"x":["1","2"],"y":"3"},"scheme":"https"}`,
			}},
			call: urlParse,
		},
		{
			signature: "parseQuery(text string) object",
			doc:       "Reads a query, or a form as web pages send it; a name that comes several times has a list.",
			examples:  []Example{gives(`parseQuery("a=1&b=x%20y")`, `{"a":"1","b":"x y"}`)},
			call:      func(c *call) (any, error) { return c.query(strings.TrimPrefix(c.string(0), "?")) },
		},
		{
			signature: "buildQuery(object object) string",
			doc:       "Writes a query, in alphabetical order; a list makes its name come several times, null is left out.",
			examples:  []Example{gives(`buildQuery({"q": "a b", "n": [1, 2], "none": null})`, `"n=1&n=2&q=a%20b"`)},
			call:      buildQuery,
		},
	}
}

func urlParse(c *call) (any, error) {
	parsed, err := url.Parse(c.string(0))
	if err != nil {
		return nil, c.fail("%q is not a URL", shorten(c.string(0), 60))
	}
	query, err := c.query(parsed.RawQuery)
	if err != nil {
		return nil, err
	}
	if err := c.newObject(8); err != nil {
		return nil, err
	}
	return map[string]any{
		"scheme": parsed.Scheme, "host": parsed.Hostname(), "port": parsed.Port(), "path": parsed.Path,
		"query": query, "fragment": parsed.Fragment,
	}, nil
}

func (c *call) query(text string) (any, error) {
	if err := c.newObject(strings.Count(text, "&") + 1); err != nil {
		return nil, err
	}
	if err := c.text(2 * len(text)); err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, c.fail("the query cannot be read: a %% is not followed by two hexadecimal digits, or it holds a ;")
	}
	out := make(map[string]any, len(values))
	for name, texts := range values {
		list, err := c.newTexts(texts)
		if err != nil {
			return nil, err
		}
		out[name] = list
		if len(texts) == 1 {
			out[name] = texts[0]
		}
	}
	return out, nil
}

func buildQuery(c *call) (any, error) {
	values := url.Values{}
	object := c.object(0)
	for _, name := range sortedKeys(object) {
		list, ok := object[name].([]any)
		if !ok {
			list = []any{object[name]}
		}
		for _, item := range list {
			if item == nil {
				continue
			}
			text, err := textOf(c.machine, item)
			if err != nil {
				return nil, err
			}
			if err := c.text(3*(len(name)+len(text)) + entrySize); err != nil {
				return nil, err
			}
			values.Add(name, text)
		}
	}
	return c.newText(strings.ReplaceAll(values.Encode(), "+", "%20"))
}
