package expr

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // users have to talk to services that ask for it.
	"crypto/sha1" //nolint:gosec // users have to talk to services that ask for it.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
)

func encodingFunctions() []function { return slices.Concat(jsonTexts(), codecs(), hashes()) }

func jsonTexts() []function {
	return []function{
		{
			signature: "toJSON(value any, indent? int) string",
			doc:       "Writes a value as canonical JSON, or with line breaks and so many spaces per level.",
			examples:  []Example{gives(`toJSON({"b": 1, "a": [true]})`, `"{\"a\":[true],\"b\":1}"`), gives(`toJSON([1], 2)`, `"[\n  1\n]"`)},
			call:      toJSON,
		},
		{
			signature: "fromJSON(text string) any",
			doc:       "Reads JSON. Large integers keep their exact value.",
			examples:  []Example{gives(`fromJSON("[9007199254740993]")`, `[9007199254740993]`)},
			call: func(c *call) (any, error) {
				text := c.string(0)
				if err := c.charge(len(text) / 2); err != nil {
					return nil, err
				}
				if err := c.allocate(8 * len(text)); err != nil {
					return nil, err
				}
				v, err := flowforge.ParseValue([]byte(text))
				if err != nil {
					return nil, c.fail("%v", err)
				}
				return v.Any(), nil
			},
		},
	}
}

func codecs() []function {
	return []function{
		{
			signature: "toBase64(text string, url? bool) string",
			doc:       "Encodes a text in base64 (RFC 4648); with `url` in its URL-safe form without padding.",
			examples:  []Example{gives(`toBase64("hello")`, `"aGVsbG8="`), gives(`toBase64("??>", true)`, `"Pz8-"`)},
			call: func(c *call) (any, error) {
				if c.arg(1) == true {
					return c.newText(base64.RawURLEncoding.EncodeToString([]byte(c.string(0))))
				}
				return c.newText(base64.StdEncoding.EncodeToString([]byte(c.string(0))))
			},
		},
		{
			signature: "fromBase64(text string) string",
			doc:       "Decodes base64 of either form, with or without padding. What is no text (UTF-8) is an error.",
			examples:  []Example{gives(`fromBase64("aGVsbG8=")`, `"hello"`), gives(`fromBase64("Pz8-")`, `"??>"`)},
			call: func(c *call) (any, error) {
				text := strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(strings.TrimRight(c.string(0), "="))
				decoded, err := base64.RawStdEncoding.DecodeString(text)
				if err != nil {
					return nil, c.fail("the text is not base64")
				}
				return c.decoded(decoded)
			},
		},
		{
			signature: "toHex(text string) string",
			doc:       "Writes the bytes of a text (UTF-8) as hexadecimal digits.",
			examples:  []Example{gives(`toHex("hi")`, `"6869"`)},
			call:      func(c *call) (any, error) { return c.newText(hex.EncodeToString([]byte(c.string(0)))) },
		},
		{
			signature: "fromHex(text string) string",
			doc:       "Reads hexadecimal digits as the bytes of a text. What is no text (UTF-8) is an error.",
			examples:  []Example{gives(`fromHex("6869")`, `"hi"`)},
			call: func(c *call) (any, error) {
				decoded, err := hex.DecodeString(c.string(0))
				if err != nil {
					return nil, c.fail("the text is not made of pairs of hexadecimal digits")
				}
				return c.decoded(decoded)
			},
		},
	}
}

func hashes() []function {
	return []function{
		hashed("sha256", "SHA-256", sha256.New, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`),
		hashed("sha512", "SHA-512", sha512.New,
			`"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"`),
		hashed("sha1", "SHA-1", sha1.New, `"a9993e364706816aba3e25717850c26c9cd0d89d"`),
		hashed("md5", "MD5", md5.New, `"900150983cd24fb0d6963f7d28e17f72"`),
		{
			signature: "hmacSha256(text string, key string, encoding? string) string",
			doc:       "Gives the HMAC-SHA-256 of a text under a key; encoding is \"hex\" (the default) or \"base64\".",
			examples: []Example{
				gives(`hmacSha256("what do ya want for nothing?", "Jefe")`, `"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`),
			},
			call: func(c *call) (any, error) {
				if err := c.charge((len(c.string(0)) + len(c.string(1))) / 16); err != nil {
					return nil, err
				}
				mac := hmac.New(sha256.New, []byte(c.string(1)))
				mac.Write([]byte(c.string(0)))
				switch encoding := c.stringOr(2, "hex"); encoding {
				case "hex":
					return c.newText(hex.EncodeToString(mac.Sum(nil)))
				case "base64":
					return c.newText(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
				default:
					return nil, c.fail("encoding must be \"hex\" or \"base64\", but it is %q", shorten(encoding, 20))
				}
			},
		},
	}
}

func hashed(name, called string, algorithm func() hash.Hash, ofABC string) function {
	return function{
		signature: name + "(text string) string",
		doc:       "Gives the " + called + " hash of a text (UTF-8) as hexadecimal digits.",
		examples:  []Example{gives(name+`("abc")`, ofABC)},
		call: func(c *call) (any, error) {
			if err := c.charge(len(c.string(0)) / 16); err != nil {
				return nil, err
			}
			h := algorithm()
			h.Write([]byte(c.string(0)))
			return c.newText(hex.EncodeToString(h.Sum(nil)))
		},
	}
}

func (c *call) decoded(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, c.fail("the decoded bytes are no text")
	}
	return c.newText(string(text))
}

const maxIndent = 8

func toJSON(c *call) (any, error) {
	text, err := canonical(c.machine, c.args[0])
	if err != nil || !c.has(1) {
		return text, err
	}
	indent := c.int(1, 0)
	if indent < 0 || indent > maxIndent {
		return nil, c.fail("indent must be between 0 and %d, but it is %d", maxIndent, indent)
	}
	var out bytes.Buffer
	if err := c.indented(text, int(indent)); err != nil {
		return nil, err
	}
	if err := json.Indent(&out, []byte(text), "", strings.Repeat(" ", int(indent))); err != nil {
		return nil, err
	}
	return c.newText(out.String())
}

// indented charges for what indenting will make of a text: each level is paid at each line.
func (c *call) indented(text string, indent int) error {
	depth, total := 0, len(text)
	for i := range len(text) {
		switch text[i] {
		case '{', '[':
			depth++
			total += 1 + depth*indent
		case '}', ']':
			depth--
			total += 1 + max(0, depth)*indent
		case ',':
			total += 1 + max(0, depth)*indent
		}
	}
	return c.text(total)
}
