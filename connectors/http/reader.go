package http

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/connectors"
	"github.com/flowforge-go/flowforge/nodes"
)

// reader reads the pages of one call.
type reader struct {
	client  *connectors.Client
	call    *nodes.Call
	p       paginateParams
	request connectors.Request // the first page's, without what leads from page to page

	out   paginateOutput
	size  int // of the items so far, in bytes
	at    int64
	next  string          // URL or cursor of the next page
	seen  map[string]bool // URLs and cursors
	above flowforge.Value // the items of the page before
}

func (r *reader) run(ctx context.Context) (paginateOutput, error) {
	r.out.Items = []any{}
	r.at = 0
	if r.p.By == byPage {
		r.at = 1
	}
	if r.p.Start != nil {
		r.at = *r.p.Start
	}
	limit := r.p.MaxPages
	if limit <= 0 {
		limit = defaultPages
	}
	limit = min(limit, maxPages)
	for r.out.Pages < limit {
		ended, err := r.page(ctx)
		if err != nil {
			return r.out, err
		}
		r.call.Heartbeat()
		r.call.Progress(r.fraction(limit), fmt.Sprintf("page %d, %d items", r.out.Pages, r.out.Count))
		if ended != "" {
			r.out.Stopped = ended
			return r.out, nil
		}
	}
	r.out.Stopped = "max_pages"
	return r.out, nil
}

// fraction is known only where a bound is.
func (r *reader) fraction(limit int) float64 {
	switch {
	case r.p.MaxItems > 0:
		return min(float64(r.out.Count)/float64(r.p.MaxItems), 1)
	case r.p.MaxPages > 0:
		return float64(r.out.Pages) / float64(limit)
	}
	return -1
}

// page reads one page, and says why there is no other; empty: there is one.
func (r *reader) page(ctx context.Context) (string, error) {
	request, err := r.nextRequest()
	if err != nil {
		return "", err
	}
	response, err := r.client.Send(ctx, request)
	if err != nil {
		return "", err
	}
	if err := failed(ctx, response); err != nil {
		return "", err
	}
	r.out.Pages++
	body, err := pageOf(response, r.out.Pages)
	if err != nil {
		return "", err
	}
	items, err := r.items(ctx, body)
	if err != nil {
		return "", err
	}
	if full, err := r.add(items); err != nil || full {
		return "max_items", err
	}
	return r.lead(ctx, response, body, items)
}

// nextRequest makes the request of the page that is read next.
func (r *reader) nextRequest() (connectors.Request, error) {
	request := r.request
	request.Query = maps.Clone(request.Query)
	request.IdempotencyKey += "-" + strconv.Itoa(r.out.Pages+1)
	set := func(name, value string) { request.Query[name] = []string{value} }
	if r.p.SizeAs != "" && r.p.Size > 0 {
		set(r.p.SizeAs, strconv.Itoa(r.p.Size))
	}
	var value any
	switch r.p.By {
	case byLink, byNextURL:
		if r.next != "" {
			request.URL, request.Query = r.next, nil
		}
	case byCursor:
		if r.next != "" {
			value = r.next
		}
	case byPage, byOffset:
		value = r.at
	}
	body := r.p.JSON
	if value != nil {
		name := r.p.Param
		if name == "" {
			name = string(r.p.By)
		}
		if r.p.InBody {
			merged, err := within(body, strings.Split(name, "."), value)
			if err != nil {
				return request, invalid("param", err)
			}
			body = &merged
		} else {
			set(name, textOf(value))
		}
	}
	if body != nil {
		request.Body = connectors.JSONBody(*body)
		if request.Method == "" {
			request.Method = http.MethodPost
		}
	}
	return request, nil
}

// within gives a copy of an object with a value set at a path.
func within(object *flowforge.Value, path []string, value any) (flowforge.Value, error) {
	var root any
	if object != nil {
		root = object.Any()
	}
	set, err := setPath(root, path, value)
	if err != nil {
		return flowforge.Value{}, err
	}
	return flowforge.ValueOf(set)
}

func setPath(x any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	object, ok := x.(map[string]any)
	if !ok && x != nil {
		return nil, fmt.Errorf("%q is not within an object of the body", path[0])
	}
	copied := make(map[string]any, len(object)+1)
	maps.Copy(copied, object)
	inner, err := setPath(copied[path[0]], path[1:], value)
	if err != nil {
		return nil, err
	}
	copied[path[0]] = inner
	return copied, nil
}

// items finds the list of a page.
func (r *reader) items(ctx context.Context, body flowforge.Value) ([]any, error) {
	found := body.Any()
	if r.p.Items != "" {
		var err error
		if found, err = r.p.Items.Select(ctx, r.call, found, r.out.Pages-1); err != nil {
			return nil, err
		}
	}
	switch found := found.(type) {
	case nil:
		return nil, nil
	case []any:
		return found, nil
	}
	where := "the page itself"
	if r.p.Items != "" {
		where = strconv.Quote(string(r.p.Items))
	}
	return nil, nodes.Permanent(flowforge.Errorf(CodeItems,
		"page %d has no list of items: %s is not one; say in items where it is", r.out.Pages, where))
}

// add keeps items, and reports whether there are as many as wanted.
func (r *reader) add(items []any) (full bool, err error) {
	if left := r.p.MaxItems - r.out.Count; r.p.MaxItems > 0 && len(items) >= left {
		items, full = items[:left], true
	}
	value, err := flowforge.Freeze(items)
	if err != nil {
		return false, err
	}
	if r.size += value.Size(); r.size > flowforge.MaxValueSize {
		return false, nodes.Permanent(flowforge.Errorf(flowforge.CodeValueTooLarge,
			"the items of %d pages are more than %d MiB: read fewer at a time with max_items and start", r.out.Pages, flowforge.MaxValueSize>>20))
	}
	r.out.Items = append(r.out.Items, items...)
	r.out.Count = len(r.out.Items)
	return full, nil
}

// lead finds what leads to the next page, and says why nothing does.
func (r *reader) lead(ctx context.Context, response *connectors.Response, body flowforge.Value, items []any) (string, error) {
	if ended, err := r.isEnd(ctx, body); err != nil || ended != "" {
		return ended, err
	}
	switch r.p.By {
	case byPage, byOffset:
		return r.count(items)
	case byLink:
		r.next = nextLink(response.Header.Values("Link"))
	case byNextURL, byCursor:
		found, err := r.p.Next.Select(ctx, r.call, body.Any(), r.out.Pages-1)
		if err != nil {
			return "", err
		}
		r.next = textOf(found)
	}
	if r.next == "" {
		return "end", nil
	}
	if r.p.By != byCursor {
		if err := r.resolve(response.URL); err != nil {
			return "", err
		}
	}
	if r.seen[r.next] {
		return "", r.loops()
	}
	r.seen[r.next] = true
	return "", nil
}

// isEnd asks has_more and until.
func (r *reader) isEnd(ctx context.Context, body flowforge.Value) (string, error) {
	if r.p.HasMore != "" {
		more, err := r.p.HasMore.Select(ctx, r.call, body.Any(), r.out.Pages-1)
		if err != nil {
			return "", err
		}
		if more == nil || more == false {
			return "end", nil
		}
	}
	if r.p.Until != "" {
		holds, err := r.p.Until.Eval(ctx, r.call, nodes.Scope{Output: body.Any(), Index: r.out.Pages - 1})
		if err != nil {
			return "", err
		}
		if holds == true {
			return "until", nil
		}
	}
	return "", nil
}

// count goes on by number.
func (r *reader) count(items []any) (string, error) {
	if len(items) == 0 || r.p.Size > 0 && len(items) < r.p.Size {
		return "end", nil
	}
	value, err := flowforge.Freeze(items)
	if err != nil {
		return "", err
	}
	if value.Equal(r.above) {
		return "", r.loops()
	}
	r.above = value
	if r.p.By == byPage {
		r.at++
	} else {
		r.at += int64(len(items))
	}
	return "", nil
}

func (r *reader) loops() error {
	return nodes.Permanent(flowforge.Errorf(CodeLoop,
		"page %d is followed by one that was read already: check by, next and param", r.out.Pages))
}

// resolve makes the next URL absolute; it must not lead elsewhere, since the credential goes with it.
func (r *reader) resolve(from *url.URL) error {
	first, err := url.Parse(r.request.URL)
	if err != nil {
		return invalid("url", errors.New("this is not a URL"))
	}
	next, err := from.Parse(r.next)
	if err != nil {
		return nodes.Permanent(flowforge.Errorf(CodeItems, "page %d is followed by something that is not a URL", r.out.Pages))
	}
	if next.Scheme != first.Scheme || !strings.EqualFold(next.Host, first.Host) {
		return nodes.Permanent(flowforge.Errorf(CodeOtherHost, "page %d leads from %s://%s to %s://%s, which is refused",
			r.out.Pages, first.Scheme, first.Host, next.Scheme, next.Host))
	}
	r.next = next.String()
	return nil
}
