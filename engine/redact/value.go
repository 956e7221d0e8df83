package redact

import (
	"encoding/json"
	"slices"
	"strings"
)

// clean gives a value in Go form without secrets, and whether it is another one.
func clean(replacer *strings.Replacer, value any) (any, bool) {
	switch value := value.(type) {
	case nil, bool:
		return value, false
	case string:
		cleaned := replacer.Replace(value)
		return cleaned, cleaned != value
	case []any:
		return cleanList(replacer, value)
	case map[string]any:
		return cleanObject(replacer, value)
	default: // a number
		text, err := json.Marshal(value)
		cleaned := replacer.Replace(string(text))
		if err != nil || cleaned == string(text) {
			return value, false
		}
		return cleaned, true
	}
}

func cleanList(replacer *strings.Replacer, list []any) (any, bool) {
	var made []any
	for i, item := range list {
		cleaned, changed := clean(replacer, item)
		if changed && made == nil {
			made = slices.Clone(list)
		}
		if changed {
			made[i] = cleaned
		}
	}
	if made == nil {
		return list, false
	}
	return made, true
}

func cleanObject(replacer *strings.Replacer, object map[string]any) (any, bool) {
	made := make(map[string]any, len(object))
	dirty := false
	for key, item := range object {
		name := replacer.Replace(key)
		cleaned, changed := clean(replacer, item)
		dirty = dirty || changed || name != key
		made[name] = cleaned
	}
	if !dirty {
		return object, false
	}
	return made, true
}
