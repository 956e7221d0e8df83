package rest

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
)

// SchemaOf describes a type of JSON by reference.
func SchemaOf[T any](registry huma.Registry) *huma.Schema {
	return registry.Schema(reflect.TypeFor[T](), true, "")
}

// documentView is how the API's document describes a workflow document; docs/workflow.md says what one means.
type documentView struct{}

// Schema describes it as the document that it is.
func (documentView) Schema(registry huma.Registry) *huma.Schema {
	return SchemaOf[flowforge.Workflow](registry)
}
