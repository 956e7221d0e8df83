// Package builtin holds the node types that need neither storage nor a server: those that steer a run (core.if,
// core.foreach, core.wait ...) and those that work on values (core.filter, data.xml ...). They reach nothing
// outside the process, never change what they are given and bound their work on hostile data.
package builtin

import "github.com/flowforge-go/flowforge/nodes"

// Types gives the types of this package, in the order of the catalogue.
func Types() []nodes.Type {
	return []nodes.Type{
		manualTrigger(), scheduleTrigger(),

		ifType(), switchType(), mergeType(), foreachType(), repeatType(),
		subworkflowType(), waitType(), failType(), stopType(), noopType(), logType(),

		setType(), renameType(), filterType(), sortType(), limitType(), dedupeType(), splitType(), aggregateType(),
		compareType(),

		validateType(), templateType(), datetimeType(), cryptoType(), randomType(), encodeType(),
		jsonType(), xmlType(), htmlType(), markdownType(),
	}
}

// Categories of the catalogue.
const (
	categoryTrigger = "trigger"
	categoryFlow    = "flow"
	categoryItems   = "items"
	categoryData    = "data"
)
