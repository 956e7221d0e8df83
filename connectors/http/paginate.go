package http

import (
	"context"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/nodes"
)

// way says how one page leads to the next.
type way string

const (
	byLink    way = "link"
	byNextURL way = "next_url"
	byCursor  way = "cursor"
	byPage    way = "page"
	byOffset  way = "offset"
)

const (
	defaultPages = 100
	maxPages     = 10_000
)

type paginateParams struct {
	target
	JSON *flowforge.Value `json:"json,omitempty" jsonschema_description:"The body of each request, as JSON."`

	By      way            `json:"by" jsonschema:"enum=link,enum=next_url,enum=cursor,enum=page,enum=offset" jsonschema_description:"How a page leads to the next: a Link header with rel=next; a URL in the body; a cursor in the body; a page number; an offset."`
	Items   nodes.Selector `json:"items,omitempty" jsonschema_description:"Where a page has its list, such as data.items; empty: the page is the list."`
	Next    nodes.Selector `json:"next,omitempty" jsonschema_description:"Where a page has the next URL or cursor; the last page has none."`
	HasMore nodes.Selector `json:"has_more,omitempty" jsonschema_description:"Where a page says whether there are more; false or null ends."`
	Param   string         `json:"param,omitempty" jsonschema_description:"Query parameter of the cursor, page number or offset; cursor, page or offset unless said."`
	InBody  bool           `json:"in_body,omitempty" jsonschema_description:"Puts param into the JSON body instead; dots lead into objects: variables.after."`
	Start   *int64         `json:"start,omitempty" jsonschema_description:"The first page number (1) or offset (0)."`
	Size    int            `json:"size,omitempty" jsonschema:"minimum=1" jsonschema_description:"Items of a full page: one that has fewer is the last (page and offset)."`
	SizeAs  string         `json:"size_param,omitempty" jsonschema_description:"Query parameter that asks for size items, such as limit."`
	Until   nodes.Expr     `json:"until,omitempty" scope:"output,index" jsonschema_description:"Ends after the page for which it holds; output is the page."`

	MaxPages int `json:"max_pages,omitempty" jsonschema:"minimum=1,maximum=10000,default=100" jsonschema_description:"Pages above it are not read."`
	MaxItems int `json:"max_items,omitempty" jsonschema:"minimum=1" jsonschema_description:"Items above it are left out."`
}

type paginateOutput struct {
	Items   []any  `json:"items"`
	Count   int    `json:"count"`
	Pages   int    `json:"pages"`
	Stopped string `json:"stopped" jsonschema:"enum=end,enum=until,enum=max_pages,enum=max_items" jsonschema_description:"Why there are no more pages; all but end may have left some out."`
}

func paginateType(client *connectors.Client) nodes.Type {
	t := nodes.Define(nodes.Spec{
		Type:     "http.paginate",
		Version:  1,
		Title:    "HTTP pages",
		Category: "http",
		Icon:     "pages",
		Kind:     nodes.Effectful,
		Doc: `Reads a list that an API gives page by page, and puts out all of its items.

Pages follow each other by a Link header, a URL or cursor in the body, a page number or an offset. It ends at the last
page, at max_pages or max_items, or when until holds; stopped says which. A page that leads back to an earlier one
fails with http_loop, one that leads to another host with http_other_host. All items together are one value, of at most
16 MiB: where there are more, take fewer pages at a time.`,
		Credentials: authSlot(),
		Examples: []nodes.Example{
			{Title: "Link headers", Params: flowforge.MustValue(map[string]any{
				"url": "https://api.example.com/issues", "by": "link",
			})},
			{Title: "A cursor", Params: flowforge.MustValue(map[string]any{
				"url": "https://api.example.com/contacts", "by": "cursor", "items": "data", "next": "paging.next.after", "param": "after",
			})},
			{Title: "Offsets", Params: flowforge.MustValue(map[string]any{
				"url": "https://api.example.com/rows", "by": "offset", "items": "rows", "size": 100, "size_param": "limit", "max_items": 5000,
			})},
		},
	}, func(ctx context.Context, call *nodes.Call, p paginateParams) (paginateOutput, error) {
		request, err := p.request(ctx, client, call)
		if err != nil {
			return paginateOutput{}, err
		}
		r := &reader{client: client, call: call, p: p, request: request, seen: make(map[string]bool)}
		return r.run(ctx)
	})
	t.Check = checkPagination
	return t
}

func checkPagination(params flowforge.Value) flowforge.Problems {
	object, _ := params.Any().(map[string]any)
	by, _ := object["by"].(string)
	if _, has := object["next"]; !has && isOneOf(by, string(byNextURL), string(byCursor)) {
		return flowforge.Problems{{
			Code: "bad_params", Pointer: "/next", Message: "say where a page has its next " + strings.TrimPrefix(by, "next_"),
		}}
	}
	return nil
}
