package doc_test

import (
	"fmt"

	"github.com/flowforge-go/flowforge"
	"github.com/flowforge-go/flowforge/engine/doc"
)

func ExampleRead() {
	text := "name: greet\nnodes:\n  - id: hello\n    type: core.set\n    params:\n      text: {{ input.name }}\n"
	_, err := doc.Read("greet.yaml", []byte(text))
	fmt.Println(err)
	// Output:
	// greet.yaml:6:13: error: an expression must stand in quotes, since YAML takes { for an object: write "{{ input.name }}" [unquoted_expression]
}

func ExampleWrite() {
	wf := flowforge.NewWorkflow("greet")
	wf.Add("hello", "core.set", flowforge.P{"text": "Hello, {{ input.name }}"}).
		Then(wf.Add("send", "http.request", flowforge.P{"url": "https://example.com"}))
	document, err := wf.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := doc.Write(document, doc.YAML)
	fmt.Print(string(text), err)
	// Output:
	// name: greet
	// nodes:
	//   - id: hello
	//     type: core.set
	//     params: {text: "Hello, {{ input.name }}"}
	//   - id: send
	//     type: http.request
	//     params: {url: "https://example.com"}
	// connections:
	//   - {from: hello, to: send}
	// <nil>
}
