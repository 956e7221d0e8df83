package doc

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The core schema of YAML 1.2 (section 10.3.2).
var (
	intPattern   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	floatPattern = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	otherPattern = regexp.MustCompile(`^([-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN)$`)
)

// isText reports whether a plain scalar, one without quotes, is a string.
func isText(plain string) bool {
	if plain == "" {
		return false
	}
	switch c := plain[0]; {
	case c >= '0' && c <= '9', strings.IndexByte("+-.", c) >= 0:
		return !intPattern.MatchString(plain) && !floatPattern.MatchString(plain) && !otherPattern.MatchString(plain)
	}
	return word(plain) == ""
}

// word gives the JSON of a plain scalar that is null, true or false, or "".
func word(plain string) string {
	switch plain {
	case "null", "Null", "NULL", "~", "":
		return "null"
	case "true", "True", "TRUE":
		return "true"
	case "false", "False", "FALSE":
		return "false"
	}
	return ""
}

// number gives the JSON of a plain scalar that is not text: null, true, false or a number.
func number(plain string) (json, mend string) {
	if json = word(plain); json != "" {
		return json, ""
	}
	digits := strings.TrimLeft(plain, "+-")
	switch {
	case otherPattern.MatchString(plain):
		return "", plain + " is not a number a document can hold: write it in quotes if it is text"
	case strings.HasPrefix(plain, "0x"), strings.HasPrefix(plain, "0o"):
		n, err := strconv.ParseUint(plain, 0, 64)
		if err != nil {
			return "", tooLong(plain)
		}
		return strconv.FormatUint(n, 10), ""
	case len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9':
		bare := strings.TrimLeft(digits, "0")
		return "", fmt.Sprintf("readers of YAML disagree about %s: write it in quotes if it is text, or without the zeros in front "+
			"(%s), or as 0o%s if it is octal", plain, bare, bare)
	case intPattern.MatchString(plain):
		sign := strings.TrimSuffix(strings.TrimPrefix(plain, "+"), digits)
		_, signed := strconv.ParseInt(sign+digits, 10, 64)
		_, unsigned := strconv.ParseUint(sign+digits, 10, 64)
		if signed != nil && unsigned != nil {
			return "", tooLong(plain)
		}
		return sign + digits, ""
	}
	x, err := strconv.ParseFloat(plain, 64)
	if err != nil {
		return "", fmt.Sprintf("the number %s is out of range: write it in quotes if it is text", cut(plain))
	}
	return jsonFloat(plain, x), ""
}

func tooLong(plain string) string {
	return fmt.Sprintf("the number %s does not fit 64 bits and would lose digits: write it in quotes to keep it as text", cut(plain))
}

// jsonFloat writes a float of YAML as JSON, digit by digit as it is where JSON allows that.
func jsonFloat(plain string, x float64) string {
	plain = strings.TrimPrefix(plain, "+")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(plain), "e")
	if strings.HasSuffix(mantissa, ".") || strings.HasPrefix(strings.TrimPrefix(mantissa, "-"), ".") {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	if exponent != "" {
		return mantissa + "e" + exponent
	}
	return mantissa
}

func cut(text string) string {
	const limit = 40
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
