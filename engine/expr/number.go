package expr

import (
	"math"
	"math/big"
)

// Numbers are int64, uint64 above the range of int64, or float64. A result that is an integer of at most 64
// bits is exact; any other is the nearest float64. So a number is the same before it was stored and after.

// arithmetic applies one of + - * / % ** to two numbers.
func arithmetic(op string, a, b any) (any, error) {
	x, xInt := a.(int64)
	y, yInt := b.(int64)
	if xInt && yInt {
		if result, ok := integers(op, x, y); ok {
			return result, nil
		}
	}
	if isZero(b) && (op == "/" || op == "%") {
		return nil, failf("it divides by zero")
	}
	if isInteger(a) && isInteger(b) {
		return bigArithmetic(op, bigInt(a), bigInt(b))
	}
	return floats(op, toFloat(a), toFloat(b))
}

// integers is the fast path; ok is false where the result is no int64.
func integers(op string, x, y int64) (result any, ok bool) {
	switch op {
	case "+":
		sum := x + y
		return sum, (sum > x) == (y > 0)
	case "-":
		difference := x - y
		return difference, (difference < x) == (y > 0)
	case "*":
		if x == 0 || y == 0 {
			return int64(0), true
		}
		product := x * y
		return product, product/y == x && (x != -1 || y != math.MinInt64) && (y != -1 || x != math.MinInt64)
	case "/":
		if y != 0 && y != -1 && x%y == 0 {
			return x / y, true
		}
	case "%":
		if y != 0 {
			return x % y, true
		}
	}
	return nil, false
}

func bigArithmetic(op string, x, y *big.Int) (any, error) {
	result := new(big.Int)
	switch op {
	case "+":
		return fromBig(result.Add(x, y))
	case "-":
		return fromBig(result.Sub(x, y))
	case "*":
		return fromBig(result.Mul(x, y))
	case "/":
		quotient, rest := result.QuoRem(x, y, new(big.Int))
		if rest.Sign() == 0 {
			return fromBig(quotient)
		}
	case "%":
		return fromBig(result.Rem(x, y))
	case "**":
		// Where the estimate is beyond 64 bits by far, the exact power is not worked out: it could be huge.
		if y.Sign() >= 0 && math.Abs(math.Pow(bigFloat(x), bigFloat(y))) < math.MaxUint64*2 {
			return fromBig(result.Exp(x, y, nil))
		}
	}
	return floats(op, bigFloat(x), bigFloat(y))
}

func floats(op string, x, y float64) (any, error) {
	switch op {
	case "+":
		return normal(x + y)
	case "-":
		return normal(x - y)
	case "*":
		return normal(x * y)
	case "/":
		return normal(x / y)
	case "%":
		return normal(math.Mod(x, y))
	}
	return normal(math.Pow(x, y))
}

// normal gives a float64 as a number in Go form.
func normal(x float64) (any, error) {
	switch {
	case math.IsNaN(x):
		return nil, failf("the result is not a number")
	case math.IsInf(x, 0):
		return nil, failf("the result is beyond the largest number there is, about 1.8e308")
	case x != math.Trunc(x):
		return x, nil
	case x >= math.MinInt64 && x < math.MaxInt64:
		return int64(x), nil
	case x >= math.MaxInt64 && x < math.MaxUint64:
		return uint64(x), nil
	}
	return x, nil
}

func fromBig(x *big.Int) (any, error) {
	switch {
	case x.IsInt64():
		return x.Int64(), nil
	case x.IsUint64():
		return x.Uint64(), nil
	}
	return normal(bigFloat(x))
}

func bigInt(x any) *big.Int {
	switch x := x.(type) {
	case int64:
		return big.NewInt(x)
	case uint64:
		return new(big.Int).SetUint64(x)
	}
	return new(big.Int)
}

func bigFloat(x *big.Int) float64 {
	f, _ := new(big.Float).SetInt(x).Float64()
	return f
}

func isNumber(x any) bool {
	switch x.(type) {
	case int64, uint64, float64:
		return true
	}
	return false
}

func isInteger(x any) bool {
	switch x.(type) {
	case int64, uint64:
		return true
	}
	return false
}

func isZero(x any) bool {
	switch x := x.(type) {
	case int64:
		return x == 0
	case float64:
		return x == 0
	}
	return false
}

func toFloat(x any) float64 {
	switch x := x.(type) {
	case int64:
		return float64(x)
	case uint64:
		return float64(x)
	case float64:
		return x
	}
	return 0
}

// compareNumbers gives -1, 0 or 1. It is exact: an integer is not rounded to compare it with a float64.
func compareNumbers(a, b any) int {
	x, xInt := a.(int64)
	y, yInt := b.(int64)
	if xInt && yInt {
		return order(x, y)
	}
	p, pFloat := a.(float64)
	q, qFloat := b.(float64)
	if pFloat && qFloat {
		return order(p, q)
	}
	return bigValue(a).Cmp(bigValue(b))
}

func bigValue(x any) *big.Float {
	if f, ok := x.(float64); ok {
		return new(big.Float).SetFloat64(f)
	}
	return new(big.Float).SetInt(bigInt(x))
}

func order[T int64 | float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
