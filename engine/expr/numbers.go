package expr

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

func numberFunctions() []function { return slices.Concat(rounding(), magnitudes()) }

func rounding() []function {
	return []function{
		{
			signature: "round(n number, digits? int) number",
			doc: "Rounds to so many digits after the point (none by default), halves away from zero. Negative digits round to tens, " +
				"hundreds and so on.",
			examples: []Example{gives(`round(2.5)`, `3`), gives(`round(1.005, 2)`, `1.01`), gives(`round(1234, -2)`, `1200`)},
			call:     round,
		},
		{
			signature: "floor(n number) number",
			doc:       "Gives the next integer below.",
			examples:  []Example{gives(`floor(2.7)`, `2`), gives(`floor(-2.1)`, `-3`)},
			call:      func(c *call) (any, error) { return c.rounded(math.Floor) },
		},
		{
			signature: "ceil(n number) number",
			doc:       "Gives the next integer above.",
			examples:  []Example{gives(`ceil(2.1)`, `3`)},
			call:      func(c *call) (any, error) { return c.rounded(math.Ceil) },
		},
	}
}

func magnitudes() []function {
	return []function{
		{
			signature: "abs(n number) number",
			doc:       "Leaves out the sign.",
			examples:  []Example{gives(`abs(-3)`, `3`)},
			call: func(c *call) (any, error) {
				if compareNumbers(c.args[0], int64(0)) < 0 {
					return arithmetic("-", int64(0), c.args[0])
				}
				return c.args[0], nil
			},
		},
		{
			signature: "sqrt(n number) number",
			doc:       "Gives the square root.",
			examples:  []Example{gives(`sqrt(9)`, `3`)},
			call: func(c *call) (any, error) {
				if toFloat(c.args[0]) < 0 {
					return nil, c.fail("a negative number has no square root")
				}
				return normal(math.Sqrt(toFloat(c.args[0])))
			},
		},
		{
			signature: "clamp(n number, low number, high number) number",
			doc:       "Gives n, but at least `low` and at most `high`.",
			examples:  []Example{gives(`clamp(12, 0, 10)`, `10`)},
			call: func(c *call) (any, error) {
				switch {
				case compareNumbers(c.args[0], c.args[1]) < 0:
					return c.args[1], nil
				case compareNumbers(c.args[0], c.args[2]) > 0:
					return c.args[2], nil
				}
				return c.args[0], nil
			},
		},
		{
			signature: "formatNumber(n number, digits? int, group? string, point? string) string",
			doc:       "Writes a number with so many digits after the point (0 by default), thousands kept apart by `group` (\",\" by default).",
			examples:  []Example{gives(`formatNumber(1234567.891, 2)`, `"1,234,567.89"`), gives(`formatNumber(1234.5, 2, ".", ",")`, `"1.234,50"`)},
			call:      formatNumber,
		},
	}
}

// rounded leaves integers as they are: as a float64 a large one would not be exact.
func (c *call) rounded(how func(float64) float64) (any, error) {
	if x, ok := c.args[0].(float64); ok {
		return normal(how(x))
	}
	return c.args[0], nil
}

const maxDigits = 30

func (c *call) digits() (int, error) {
	digits := c.int(1, 0)
	if digits < -maxDigits || digits > maxDigits {
		return 0, c.fail("digits must be between -%d and %d, but it is %d", maxDigits, maxDigits, digits)
	}
	return int(digits), nil
}

// round works on the number as it is written: 1.005 is meant, not the float64 a little below it.
func round(c *call) (any, error) {
	digits, err := c.digits()
	if err != nil || (digits >= 0 && isInteger(c.args[0])) {
		return c.args[0], err
	}
	exact := decimal(c.args[0])
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(digits, -digits))), nil))
	if digits < 0 {
		scale.Inv(scale)
	}
	exact.Mul(exact, scale)
	text := exact.FloatString(0) // rounds halves away from zero
	exact.SetString(text)
	exact.Quo(exact, scale)
	if exact.IsInt() {
		return fromBig(exact.Num())
	}
	nearest, _ := exact.Float64()
	return normal(nearest)
}

// decimal gives the number that the shortest text of x stands for.
func decimal(x any) *big.Rat {
	if isInteger(x) {
		return new(big.Rat).SetInt(bigInt(x))
	}
	exact, ok := new(big.Rat).SetString(strconv.FormatFloat(toFloat(x), 'g', -1, 64))
	if !ok {
		return new(big.Rat)
	}
	return exact
}

func formatNumber(c *call) (any, error) {
	digits, err := c.digits()
	if err != nil {
		return nil, err
	}
	group, point := c.stringOr(2, ","), c.stringOr(3, ".")
	if len(group)+len(point) > 16 {
		return nil, c.fail("group and point must be short")
	}
	whole, fraction, _ := strings.Cut(decimal(c.args[0]).FloatString(max(digits, 0)), ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "-", rest
	}
	if strings.Trim(whole+fraction, "0") == "" {
		sign = ""
	}
	var out strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteString(group)
		}
		out.WriteRune(digit)
	}
	if fraction != "" {
		fraction = point + fraction
	}
	return c.newText(sign + out.String() + fraction)
}
