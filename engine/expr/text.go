package expr

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

func textFunctions() []function {
	return slices.Concat(letters(), trimming(), pieces(), joints(), shaping())
}

// mapped is a function that makes one text of another.
func mapped(signature, doc string, how func(string) string, examples ...Example) function {
	return function{signature: signature, doc: doc, examples: examples, call: func(c *call) (any, error) {
		return c.newText(how(c.string(0)))
	}}
}

func letters() []function {
	return []function{
		mapped("upper(text string) string", "Makes all letters upper case.", strings.ToUpper, gives(`upper("abc")`, `"ABC"`)),
		mapped("lower(text string) string", "Makes all letters lower case.",
			strings.ToLower, gives(`lower("ABC")`, `"abc"`), gives(`"ABC" | lower()`, `"abc"`)),
		mapped("capitalize(text string) string", "Makes the first letter upper case.",
			capitalize, gives(`capitalize("ada lovelace")`, `"Ada lovelace"`)),
		mapped("title(text string) string", "Makes the first letter of each word upper case.",
			title, gives(`title("ada lovelace")`, `"Ada Lovelace"`)),
		mapped("slug(text string) string", "Makes a text fit for a URL or a file name: lower-case letters and digits, with - between words.",
			slug, gives(`slug("Crème brûlée, 2 pcs!")`, `"creme-brulee-2-pcs"`)),
		mapped("escapeHTML(text string) string", "Replaces what HTML would take as its own: < > & ' and \".",
			escapeHTML, gives(`escapeHTML("<b>")`, `"&lt;b&gt;"`)),
	}
}

func trimming() []function {
	return []function{
		{
			signature: "trim(text string, characters? string) string",
			doc:       "Takes white space, or the given characters, off both ends.",
			examples:  []Example{gives(`trim("  a ")`, `"a"`), gives(`trim("--a-", "-")`, `"a"`)},
			call:      func(c *call) (any, error) { return c.trim(strings.TrimSpace, strings.Trim) },
		},
		{
			signature: "trimStart(text string, characters? string) string",
			doc:       "Takes white space, or the given characters, off the beginning.",
			examples:  []Example{gives(`trimStart("  a ")`, `"a "`)},
			call: func(c *call) (any, error) {
				return c.trim(func(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }, strings.TrimLeft)
			},
		},
		{
			signature: "trimEnd(text string, characters? string) string",
			doc:       "Takes white space, or the given characters, off the end.",
			examples:  []Example{gives(`trimEnd("a/", "/")`, `"a"`)},
			call: func(c *call) (any, error) {
				return c.trim(func(s string) string { return strings.TrimRightFunc(s, unicode.IsSpace) }, strings.TrimRight)
			},
		},
		{
			signature: "trimPrefix(text string, prefix string) string",
			doc:       "Takes a beginning off, where it is there.",
			examples:  []Example{gives(`trimPrefix("v1.2", "v")`, `"1.2"`)},
			call:      func(c *call) (any, error) { return strings.TrimPrefix(c.string(0), c.string(1)), nil },
		},
		{
			signature: "trimSuffix(text string, suffix string) string",
			doc:       "Takes an end off, where it is there.",
			examples:  []Example{gives(`trimSuffix("a.pdf", ".pdf")`, `"a"`)},
			call:      func(c *call) (any, error) { return strings.TrimSuffix(c.string(0), c.string(1)), nil },
		},
	}
}

func pieces() []function {
	return []function{
		{
			signature: "split(text string, separator string, limit? int) list",
			doc:       "Cuts a text at each separator, into at most `limit` pieces. An empty separator cuts between all characters.",
			examples:  []Example{gives(`split("a,b,c", ",")`, `["a","b","c"]`), gives(`split("a,b,c", ",", 2)`, `["a","b,c"]`)},
			call:      cutText,
		},
		{
			signature: "lines(text string) list",
			doc:       "Cuts a text into its lines; a line break at the end makes no empty one.",
			examples:  []Example{gives(`lines("a\r\nb\n")`, `["a","b"]`)},
			call: func(c *call) (any, error) {
				text := strings.TrimSuffix(c.string(0), "\n")
				if err := c.texts(strings.Count(text, "\n") + 1); err != nil {
					return nil, err
				}
				found := strings.Split(text, "\n")
				for i := range found {
					found[i] = strings.TrimSuffix(found[i], "\r")
				}
				return c.newTexts(found)
			},
		},
		{
			signature: "words(text string) list",
			doc:       "Cuts a text at white space.",
			examples:  []Example{gives(`words(" a  b ")`, `["a","b"]`)},
			call: func(c *call) (any, error) {
				if err := c.texts(len(c.string(0))/2 + 1); err != nil {
					return nil, err
				}
				return c.newTexts(strings.Fields(c.string(0)))
			},
		},
	}
}

func joints() []function {
	return []function{
		{
			signature: "join(list list, separator? string) string",
			doc: "Makes one text of a list, with the separator (nothing by default) between its elements. Elements that are no strings " +
				"are written as in a mixed text.",
			examples: []Example{gives(`join(["a", "b"], ", ")`, `"a, b"`), gives(`join([1, true], "-")`, `"1-true"`)},
			call:     join,
		},
		{
			signature: "substring(text string, from int, to? int) string",
			doc: "Gives the characters from one place to before another, counted from 0; negative ones count from the end. " +
				"text[from:to] does the same.",
			examples: []Example{gives(`substring("hello", 1, 3)`, `"el"`), gives(`substring("hello", -3)`, `"llo"`)},
			call: func(c *call) (any, error) {
				return (&access{source: "text"}).cut(c.machine, c.args[0], c.args[1], c.arg(2))
			},
		},
		{
			signature: "replace(text string, old string, new string) string",
			doc:       "Replaces every occurrence of a text; regexReplace does it for a pattern.",
			examples:  []Example{gives(`replace("a-b-c", "-", "+")`, `"a+b+c"`)},
			call: func(c *call) (any, error) {
				text, before, after := c.string(0), c.string(1), c.string(2)
				n := strings.Count(text, before)
				if err := c.text(len(text) + n*max(0, len(after)-len(before))); err != nil {
					return nil, err
				}
				return strings.ReplaceAll(text, before, after), nil
			},
		},
	}
}

func shaping() []function {
	return []function{
		{
			signature: "repeat(text string, count int) string",
			doc:       "Writes a text several times.",
			examples:  []Example{gives(`repeat("ab", 3)`, `"ababab"`)},
			call: func(c *call) (any, error) {
				n := max(0, c.int(1, 0))
				if err := c.times(len(c.string(0)), n); err != nil {
					return nil, err
				}
				return strings.Repeat(c.string(0), int(n)), nil
			},
		},
		{
			signature: "padStart(text string, length int, pad? string) string",
			doc:       "Fills a text up at its beginning to so many characters, with spaces or `pad`.",
			examples:  []Example{gives(`padStart("7", 3, "0")`, `"007"`)},
			call: func(c *call) (any, error) {
				padding, err := c.padding()
				return padding + c.string(0), err
			},
		},
		{
			signature: "padEnd(text string, length int, pad? string) string",
			doc:       "Fills a text up at its end to so many characters, with spaces or `pad`.",
			examples:  []Example{gives(`padEnd("ab", 4, ".")`, `"ab.."`)},
			call: func(c *call) (any, error) {
				padding, err := c.padding()
				return c.string(0) + padding, err
			},
		},
		{
			signature: "truncate(text string, length int, end? string) string",
			doc:       "Cuts a text to so many characters; what was cut ends with `end` (… by default), which counts.",
			examples:  []Example{gives(`truncate("hello world", 6)`, `"hello…"`), gives(`truncate("hello", 9)`, `"hello"`)},
			call: func(c *call) (any, error) {
				text, end, n := c.string(0), c.stringOr(2, "…"), max(0, c.int(1, 0))
				if int64(utf8.RuneCountInString(text)) <= n {
					return text, nil
				}
				kept := max(0, n-int64(utf8.RuneCountInString(end)))
				return c.newText(runes(text, 0, int(kept)) + runes(end, 0, int(min(n, int64(len(end))))))
			},
		},
	}
}

func (c *call) trim(space func(string) string, characters func(s, cutset string) string) (any, error) {
	if !c.has(1) {
		return space(c.string(0)), nil
	}
	if err := c.charge(len(c.string(0)) * (1 + len(c.string(1))) / 32); err != nil {
		return nil, err
	}
	return characters(c.string(0), c.string(1)), nil
}

// texts charges for a list of n pieces before the pieces are made.
func (c *call) texts(n int) error { return c.allocate(n * boxSize) }

func cutText(c *call) (any, error) {
	text, separator, limit := c.string(0), c.string(1), c.int(2, -1)
	if limit == 0 || limit < -1 {
		return nil, c.fail("limit must be at least 1, but it is %d", limit)
	}
	n := strings.Count(text, separator) + 1
	if limit > 0 {
		n = int(min(int64(n), limit))
	}
	if err := c.texts(n); err != nil {
		return nil, err
	}
	return c.newTexts(strings.SplitN(text, separator, n))
}

func join(c *call) (any, error) {
	list, separator := c.list(0), c.string(1)
	var out strings.Builder
	for i, item := range list {
		text, err := textOf(c.machine, item)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = separator + text
		}
		if err := c.text(2 * len(text)); err != nil {
			return nil, err
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// times charges for a text of n times so many bytes.
func (c *call) times(length int, n int64) error {
	if length > 0 && n > MaxMemory {
		return c.allocate(-1)
	}
	return c.text(length * int(min(n, MaxMemory)))
}

// padding gives what fills the first argument up.
func (c *call) padding() (string, error) {
	pad := c.stringOr(2, " ")
	missing := c.int(1, 0) - int64(utf8.RuneCountInString(c.string(0)))
	if missing <= 0 || pad == "" {
		return "", nil
	}
	if err := c.times(len(pad), missing); err != nil {
		return "", err
	}
	if err := c.text(len(c.string(0))); err != nil {
		return "", err
	}
	times := missing/int64(utf8.RuneCountInString(pad)) + 1
	return runes(strings.Repeat(pad, int(times)), 0, int(missing)), nil
}

func capitalize(s string) string {
	first, width := utf8.DecodeRuneInString(s)
	if width == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[width:]
}

func title(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		start := !inWord
		inWord = unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\''
		if start {
			return unicode.ToUpper(r)
		}
		return r
	}, s)
}

// plainLetters gives Latin letters without their marks; each pair is a group of letters and what they become.
var plainLetters = []string{
	"àáâãåāăą", "a", "ä", "ae", "æ", "ae", "çćĉċč", "c", "ďđð", "d", "èéêëēĕėęě", "e", "ĝğġģ", "g", "ĥħ", "h",
	"ìíîïĩīĭįı", "i", "ĵ", "j", "ķ", "k",
	"ĺļľŀł", "l", "ñńņň", "n", "òóôõøōŏő", "o", "ö", "oe", "œ", "oe", "ŕŗř", "r",
	"śŝşšș", "s", "ß", "ss", "ţťŧț", "t", "ùúûũūŭůűų", "u", "ü", "ue", "ŵ", "w", "ýÿŷ", "y", "źżž", "z", "þ", "th",
}

// plain gives what stands for a character in a slug, or nothing.
func plain(r rune) string {
	for i := 0; i < len(plainLetters); i += 2 {
		if strings.ContainsRune(plainLetters[i], r) {
			return plainLetters[i+1]
		}
	}
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return string(r)
	}
	return ""
}

func slug(s string) string {
	var out strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		letter := plain(r)
		if letter == "" {
			gap = gap || (r != '\'' && !unicode.Is(unicode.Mn, r))
			continue
		}
		if gap && out.Len() > 0 {
			out.WriteByte('-')
		}
		gap = false
		out.WriteString(letter)
	}
	return out.String()
}

func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}
