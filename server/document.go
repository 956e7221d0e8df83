package server

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/flowforge-go/flowforge"
)

// schemaOf describes a type of JSON by reference.
func schemaOf[T any](registry huma.Registry) *huma.Schema {
	return registry.Schema(reflect.TypeFor[T](), true, "")
}

// documentView is how the API's document describes a workflow document; docs/workflow.md says what one means.
type documentView struct{}

// Schema describes it as the document that it is.
func (documentView) Schema(registry huma.Registry) *huma.Schema {
	return schemaOf[flowforge.Workflow](registry)
}
