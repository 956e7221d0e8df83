package rest

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Paging is what lists take.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items a page has at most."`
	Cursor string `query:"cursor" maxLength:"2000" doc:"The next_cursor of the page before."`
}

// After gives what the last item of the page before was, of this kind of list; empty: there was none.
func (p *Paging) After(kind string) (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	of, after, found := strings.Cut(string(text), ":")
	if err != nil || !found || of != kind {
		return "", Invalid([]Fault{{Parameter: "cursor", Code: badValue, Message: "this is no cursor of this list"}})
	}
	return after, nil
}

// Position is after for lists that go by numbers.
func (p *Paging) Position(kind string) (int, error) {
	after, err := p.After(kind)
	if err != nil || after == "" {
		return 0, err
	}
	at, err := strconv.Atoi(after)
	if err != nil || at < 0 {
		return 0, Invalid([]Fault{{Parameter: "cursor", Code: badValue, Message: "this is no cursor of this list"}})
	}
	return at, nil
}

// list is a page of items.
type list[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Sent back as cursor it gives the next page; absent: this is the last."`
}

// Listed is a page of items as an answer.
type Listed[T any] struct{ Body list[T] }

// Page makes an answer of items, of which one more than a page was asked for; at tells where the next page goes on.
func Page[F, T any](p *Paging, kind string, found []F, view func(*F) T, at func(last *F, n int) string) *Listed[T] {
	answer := &Listed[T]{}
	n := min(len(found), p.Limit)
	answer.Body.Items = make([]T, n)
	for i := range n {
		answer.Body.Items[i] = view(&found[i])
	}
	if len(found) > n {
		answer.Body.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + at(&found[n-1], n)))
	}
	return answer
}

// Upto makes an answer of the items of one part of a list, however many, that goes on after a place; "": it does not.
func Upto[T any](kind string, items []T, next string) *Listed[T] {
	answer := &Listed[T]{}
	answer.Body.Items = append([]T{}, items...)
	if next != "" {
		answer.Body.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + next))
	}
	return answer
}

// Same is for Page, where items are shown as they are.
func Same[T any](item *T) T { return *item }

// Answer is one thing.
type Answer[T any] struct{ Body T }

// AnswerOf makes an answer.
func AnswerOf[T any](body T) *Answer[T] { return &Answer[T]{body} }

// Tagged is one thing that has an ETag.
type Tagged[T any] struct {
	Tag      string `header:"Etag" doc:"What is sent back as If-Match to change this, and nothing else."`
	Location string `header:"Location" doc:"Where it is, if it was made just now."`
	Status   int
	Body     T
}

// Made is one thing that was made just now.
type Made[T any] struct {
	Location string `header:"Location" doc:"Where it is."`
	Body     T
}

// Empty is the answer where there is nothing to say.
type Empty struct{}
