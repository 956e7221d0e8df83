package flowforge

import (
	"fmt"
	"strings"
)

// Endpoint is one end of a connection, written "node" or "node.port".
type Endpoint struct {
	Node NodeID
	Port Port // empty: "out" of a source, "in" of a target
}

// String writes the endpoint as "node" or "node.port".
func (e Endpoint) String() string {
	if e.Port == "" {
		return string(e.Node)
	}
	return string(e.Node) + "." + string(e.Port)
}

// MarshalText writes the endpoint as "node" or "node.port".
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads "node" or "node.port".
func (e *Endpoint) UnmarshalText(text []byte) error {
	node, port, dotted := strings.Cut(string(text), ".")
	if node == "" || (dotted && port == "") {
		return fmt.Errorf("%q is not a connection's end: write \"node\" or \"node.port\"", shorten(string(text)))
	}
	*e = Endpoint{Node: NodeID(node), Port: Port(port)}
	return nil
}
