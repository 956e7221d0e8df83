package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
)

// greet is a workflow as the API takes it.
const greet = `{"name": "greet", "output": "{{ nodes.text.output.text }}", "nodes": [
	{"id": "text", "type": "core.set", "params": {"values": {"text": "Thank you, {{ input.customer }}!"}}}
]}`

// tour signs people in to the shop, and tells what the API answers them.
func tour(ctx context.Context, shop http.Handler) error {
	front := httptest.NewServer(shop)
	defer front.Close()
	for _, visit := range []struct{ name, password string }{
		{name: "nobody"}, {"ben", "a quiet lighthouse"}, {"ada", "seven green bicycles"},
	} {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return err
		}
		v := visitor{name: visit.name, at: front.URL, client: &http.Client{Jar: jar}}
		if visit.password != "" {
			form := url.Values{"name": {visit.name}, "password": {visit.password}}
			if _, err := v.post(ctx, "/login", "application/x-www-form-urlencoded", form.Encode()); err != nil {
				return err
			}
		}
		for _, step := range []struct{ path, body string }{
			{"/workflows", greet},
			{"/workflows/greet/publish", "{}"},
			{"/workflows/greet/runs", `{"input": {"customer": "Grace"}, "wait": "10s"}`},
		} {
			status, err := v.post(ctx, below+"/api/v1"+step.path, "application/json", step.body)
			if err != nil {
				return err
			}
			if status >= http.StatusBadRequest {
				break
			}
		}
	}
	return nil
}

// visitor is somebody with a browser.
type visitor struct {
	name, at string
	client   *http.Client
}

// post sends something, and prints what comes back.
func (v *visitor) post(ctx context.Context, path, media, body string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, v.at+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", media)
	answer, err := v.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	var said struct {
		Detail string `json:"detail"` // of a refusal
		Output any    `json:"output"` // of a run
	}
	_ = json.Unmarshal(text, &said) // a page is no JSON, and says nothing here
	fmt.Println(strings.TrimSpace(fmt.Sprint(v.name, ": POST ", path, ": ", answer.Status, " ", said.Detail, cmp.Or(said.Output, any("")))))
	return answer.StatusCode, nil
}
