package builtin

import (
	"context"
	"crypto/rand"
	"math/big"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/nodes"
)

type randomParams struct {
	Kind   string `json:"kind,omitempty" jsonschema:"enum=hex,enum=base64,enum=base64url,enum=text,enum=integer,default=hex" jsonschema_description:"hex, base64 and base64url: random bytes, so written; text: letters and digits; integer: a number from min to max."`
	Length int    `json:"length,omitempty" jsonschema:"minimum=1,maximum=1048576,default=16" jsonschema_description:"How many bytes, or how many letters and digits."`
	Min    int64  `json:"min,omitempty" jsonschema:"default=0" jsonschema_description:"The smallest integer."`
	Max    *int64 `json:"max,omitempty" jsonschema:"default=100" jsonschema_description:"The largest integer."`
}

const (
	randomLength    = 16
	maxRandomLength = 1 << 20
	randomMax       = 100
)

func runRandom(_ context.Context, _ *nodes.Call, p randomParams) (flowforge.Value, error) {
	if p.Length == 0 {
		p.Length = randomLength
	}
	if p.Length < 0 || p.Length > maxRandomLength {
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "length is %d: it may be 1 to %d", p.Length, maxRandomLength)
	}
	switch kind := orDefault(p.Kind, encodingHex); kind {
	case "integer":
		return randomInteger(p)
	case encodingText:
		return randomText(p.Length)
	default:
		data := make([]byte, p.Length)
		if _, err := rand.Read(data); err != nil {
			return flowforge.Value{}, err
		}
		text, err := encodeBytes(data, kind)
		if err != nil {
			return flowforge.Value{}, err
		}
		return freeze(text)
	}
}

func randomInteger(p randomParams) (flowforge.Value, error) {
	most := int64(randomMax)
	if p.Max != nil {
		most = *p.Max
	}
	if most < p.Min {
		return flowforge.Value{}, refuse(flowforge.CodeInvalidParams, "max is %d, which is below min, %d", most, p.Min)
	}
	span := new(big.Int).Sub(big.NewInt(most), big.NewInt(p.Min))
	n, err := rand.Int(rand.Reader, span.Add(span, big.NewInt(1)))
	if err != nil {
		return flowforge.Value{}, err
	}
	return freeze(n.Add(n, big.NewInt(p.Min)).Int64())
}

func randomText(length int) (flowforge.Value, error) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	const fair = 256 - 256%len(letters) // bytes from here on would favour the first letters
	text := make([]byte, 0, length)
	for len(text) < length {
		data := make([]byte, length)
		if _, err := rand.Read(data); err != nil {
			return flowforge.Value{}, err
		}
		for _, b := range data {
			if int(b) < fair && len(text) < length {
				text = append(text, letters[int(b)%len(letters)])
			}
		}
	}
	return freeze(string(text))
}

func randomType() nodes.Type {
	return nodes.Define(nodes.Spec{
		Type: "data.random", Version: 1, Title: "Random", Category: categoryData, Icon: "dices", Kind: nodes.Effectful,
		Doc: "Gives random text or a random number, good enough for tokens.\n\n" +
			"It runs once and its result is recorded, so that a run that continues elsewhere sees the same one.",
		Outputs: []nodes.PortSpec{{Name: flowforge.PortOut, Doc: "The text or number."}},
		Output:  flowforge.MustValue(map[string]any{"type": []any{"string", "integer"}}),
		Examples: []nodes.Example{
			{Title: "A token of 32 bytes", Params: flowforge.MustValue(map[string]any{"kind": encodingBase64URL, "length": 32})},
			{Title: "A die", Params: flowforge.MustValue(map[string]any{"kind": "integer", "min": 1, "max": 6})},
		},
	}, runRandom)
}
