package http

import "strings"

// nextLink finds the target of rel="next" in Link headers (RFC 8288, 3); "" where there is none.
func nextLink(headers []string) string {
	rest := strings.Join(headers, ",")
	for {
		open := strings.IndexByte(rest, '<')
		if open < 0 {
			return ""
		}
		end := strings.IndexByte(rest[open:], '>')
		if end < 0 {
			return ""
		}
		target := rest[open+1 : open+end]
		var params map[string]string
		params, rest = linkParams(rest[open+end+1:])
		for relation := range strings.FieldsSeq(strings.ToLower(params["rel"])) {
			if relation == "next" {
				return target
			}
		}
	}
}

// linkParams reads the parameters of one link, up to the comma that ends it; the first of a name counts.
func linkParams(text string) (params map[string]string, rest string) {
	params = make(map[string]string)
	for {
		text = strings.TrimLeft(text, " \t;")
		if text == "" {
			return params, ""
		}
		if text[0] == ',' {
			return params, text[1:]
		}
		end := strings.IndexAny(text, "=;,")
		if end < 0 {
			return params, ""
		}
		name := strings.ToLower(strings.TrimSpace(text[:end]))
		value := ""
		if text[end] == '=' {
			value, text = linkValue(strings.TrimLeft(text[end+1:], " \t"))
		} else {
			text = text[end:]
		}
		if _, found := params[name]; !found {
			params[name] = value
		}
	}
}

// linkValue reads a token or a quoted string.
func linkValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ";,")
		if end < 0 {
			end = len(text)
		}
		return strings.TrimSpace(text[:end]), text[end:]
	}
	var unquoted strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return unquoted.String(), text[i+1:]
		case '\\':
			if i++; i < len(text) {
				unquoted.WriteByte(text[i])
			}
		default:
			unquoted.WriteByte(text[i])
		}
	}
	return unquoted.String(), ""
}
