package sqlstore

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/flowforge-go/flowforge"
)

// A call is a statement with its input and, once it was run, its rows.
//
// A text may begin with {with name:type ...}: the input's rows are then the table s with these columns. PostgreSQL
// gets all rows at once, as arrays; SQLite runs the statement for each row, prepared. With {with recursive ...} tables
// that follow may refer to themselves. {now} is the store's clock, the
// same wherever it stands; {lock} and {skip} lock the rows of the table r. After {with} more tables of the WITH
// clause may follow, after a comma.
type call struct {
	text    string
	rows    [][]any // of string, int64, []byte or nil
	returns bool
	adhoc   bool // made for this call only: not worth to be prepared
	out     []row
}

// query is a call that gives rows.
func query(text string, rows [][]any) *call { return &call{text: text, rows: rows, returns: true} }

// exec is a call that gives none.
func exec(text string, rows [][]any) *call { return &call{text: text, rows: rows} }

// idle reports whether a call has nothing to do.
func (c *call) idle() bool { return len(c.rows) == 0 && strings.Contains(c.text, "{with ") }

// A statement is a text once it was read.
type statement struct {
	columns []column
	now     bool

	recursive bool

	text string // SQLite: all; PostgreSQL: what follows the input
}

type column struct{ name, kind string }

func (s *Store) compile(c *call) *statement {
	text := c.text
	if known, ok := s.compiled.Load(c.text); ok {
		return known.(*statement) //nolint:errcheck,forcetypeassert // It holds nothing else.
	}
	st := &statement{now: strings.Contains(text, "{now}")}
	body := text
	if rest, ok := strings.CutPrefix(strings.TrimSpace(text), "{with"); ok {
		header, after, _ := strings.Cut(rest, "}")
		body = after
		header, st.recursive = strings.CutPrefix(header, " recursive")
		for field := range strings.FieldsSeq(header) {
			name, kind, _ := strings.Cut(field, ":")
			st.columns = append(st.columns, column{name, kind})
		}
	}
	body = s.dialect.locks().Replace(strings.ReplaceAll(body, "{now}", "(SELECT t FROM now)"))
	if s.dialect.lite {
		st.text = st.lite(body)
	} else {
		st.text = body
	}
	if !c.adhoc {
		s.compiled.Store(text, st)
	}
	return st
}

// lite writes the text for SQLite, with a placeholder for the clock first and one for each column.
func (st *statement) lite(body string) string {
	if plain := plainInsert.FindStringSubmatch(body); plain != nil {
		return plain[1] + "VALUES (" + st.placed(plain[2]) + ")" + plain[3]
	}
	var tables []string
	if st.now {
		tables = append(tables, "now(t) AS (SELECT ?)")
	}
	if len(st.columns) > 0 {
		marks := strings.TrimSuffix(strings.Repeat("?, ", len(st.columns)), ", ")
		tables = append(tables, "s("+st.names()+") AS (VALUES ("+marks+"))")
	}
	if len(tables) == 0 {
		return body
	}
	return "WITH " + strings.Join(tables, ", ") + body
}

// plainInsert finds an insert of a row that is made of the input alone. As INSERT ... VALUES it needs no copy of each
// page it changes, which SQLite makes for statements that may fail half done (sqlite.org/tempfiles.html, 2.5).
var plainInsert = regexp.MustCompile(`(?s)^(\s*INSERT [^()]*\([^()]*\)\s*)SELECT (.*)\s+FROM s(?: WHERE true)?(\s+ON CONFLICT .*)?\s*$`)

var word = regexp.MustCompile(`(?:s\.)?[a-z_]+`)

// placed puts the placeholders of the input into expressions over its columns.
func (st *statement) placed(expressions string) string {
	first := 1
	if st.now {
		first, expressions = 2, strings.ReplaceAll(expressions, "(SELECT t FROM now)", "?1")
	}
	return word.ReplaceAllStringFunc(expressions, func(name string) string {
		for i, column := range st.columns {
			if column.name == strings.TrimPrefix(name, "s.") {
				return "?" + strconv.Itoa(first+i)
			}
		}
		return name
	})
}

func (st *statement) names() string {
	names := make([]string, len(st.columns))
	for i, c := range st.columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// render writes a call for PostgreSQL, its input as literals.
func (s *Store) render(b *strings.Builder, c *call) error {
	st := s.compile(c)
	separator := "WITH "
	if st.recursive {
		separator = "WITH RECURSIVE "
	}
	if st.now {
		b.WriteString(separator + "now(t) AS (SELECT " + s.clock() + ")")
		separator = ", "
	}
	if len(st.columns) > 0 {
		b.WriteString(separator + "s(" + st.names() + ") AS (SELECT " + st.names() + " FROM unnest(")
		for i, column := range st.columns {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := array(b, column, c.rows, i); err != nil {
				return err
			}
		}
		b.WriteString(") AS u(" + st.names() + "))")
	}
	b.WriteString(st.text)
	return nil
}

// array writes a column of the input as a literal (PostgreSQL documentation, section 8.15.2).
func array(b *strings.Builder, c column, rows [][]any, at int) error {
	b.WriteString("'{")
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		switch cell := row[at].(type) {
		case nil:
			b.WriteString("NULL")
		case int64:
			b.WriteString(strconv.FormatInt(cell, 10))
		case string:
			if err := checkText(cell); err != nil {
				return err
			}
			b.WriteByte('"')
			quote(b, cell)
			b.WriteByte('"')
		case []byte:
			b.WriteString(`"\\x`)
			b.WriteString(hex.EncodeToString(cell))
			b.WriteByte('"')
		default:
			return fmt.Errorf("column %s: a %T is no cell", c.name, cell)
		}
	}
	b.WriteString("}'::" + c.kind + "[]")
	return nil
}

// quote escapes what means something within a quoted element of an array literal within a string.
func quote(b *strings.Builder, text string) {
	from := 0
	for i := range len(text) {
		switch text[i] {
		case '\'':
			b.WriteString(text[from:i] + "'")
			from = i
		case '"', '\\':
			b.WriteString(text[from:i] + `\`)
			from = i
		}
	}
	b.WriteString(text[from:])
}

// checkText refuses what PostgreSQL does not keep in a text; SQLite would, but a store is a store.
func checkText(text string) error {
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return flowforge.Errorf(flowforge.CodeInvalidValue, "a text with a NUL or that is not UTF-8 cannot be stored")
	}
	return nil
}

// args gives a row of input as the arguments of SQLite's statement.
func (s *Store) args(st *statement, input []any) ([]any, error) {
	for _, cell := range input {
		if text, ok := cell.(string); ok {
			if err := checkText(text); err != nil {
				return nil, err
			}
		}
	}
	if !st.now {
		return input, nil
	}
	return append([]any{s.hostNow()}, input...), nil
}
