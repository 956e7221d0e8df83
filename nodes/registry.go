package nodes

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/flowforge-go/flowforge"
)

// Registry is a set of node types. It is safe for concurrent use; the zero Registry is empty.
type Registry struct {
	mu    sync.RWMutex
	types map[string][]*Type // by name, in order of version
	names []string           // of all, with their versions, sorted; never changed in place
}

// NewRegistry makes a set of types; it fails as Register does.
func NewRegistry(types ...Type) (*Registry, error) {
	registry := &Registry{}
	if err := registry.Register(types...); err != nil {
		return nil, err
	}
	return registry, nil
}

var typeName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)

// Register adds types. A name that is not "family.verb", a version registered before or a schema that cannot
// be compiled is an error, and then none of them is added.
func (r *Registry) Register(types ...Type) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	added := make(map[string][]*Type, len(types))
	for i := range types {
		t := types[i]
		if err := prepare(&t); err != nil {
			return err
		}
		name := t.Spec.Type
		for _, other := range slices.Concat(r.types[name], added[name]) {
			if other.Spec.Version == t.Spec.Version {
				return flowforge.Errorf(flowforge.CodeConflict, "node type %s version %d is registered already", name, t.Spec.Version)
			}
		}
		added[name] = append(added[name], &t)
	}
	if r.types == nil {
		r.types = make(map[string][]*Type, len(added))
	}
	r.names = slices.Clone(r.names)
	for name, more := range added {
		for _, t := range more {
			r.names = append(r.names, name+"@"+strconv.Itoa(t.Spec.Version))
		}
		all := slices.Concat(r.types[name], more)
		slices.SortFunc(all, func(a, b *Type) int { return cmp.Compare(a.Spec.Version, b.Spec.Version) })
		r.types[name] = all
	}
	slices.Sort(r.names)
	return nil
}

// prepare checks a type and fills in what it left to the defaults.
func prepare(t *Type) error {
	spec := &t.Spec
	if !typeName.MatchString(spec.Type) {
		return flowforge.Errorf(flowforge.CodeInvalidValue, "%q cannot name a node type: write family.verb, such as \"http.request\"", spec.Type)
	}
	if t.Node == nil && spec.Loop == "" {
		return flowforge.Errorf(flowforge.CodeInvalidValue, "node type %s has no Node to run", spec.Type)
	}
	if spec.Version == 0 {
		spec.Version = 1
	}
	if spec.Kind == "" {
		spec.Kind = Effectful
	}
	if spec.Title == "" {
		spec.Title = spec.Type
	}
	if len(spec.Outputs) == 0 && t.Ports == nil {
		spec.Outputs = []PortSpec{{Name: flowforge.PortOut}}
	}
	for _, schema := range []flowforge.Value{spec.Params, spec.Output} {
		if _, err := CompileSchema(schema); err != nil {
			return flowforge.Errorf(flowforge.CodeInvalidValue, "node type %s: %w", spec.Type, err)
		}
	}
	return nil
}

// Lookup finds a type by name and version; version 0 is the newest.
func (r *Registry) Lookup(name string, version int) (*Type, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	versions := r.types[name]
	if len(versions) == 0 {
		return nil, false
	}
	if version == 0 {
		return versions[len(versions)-1], true
	}
	for _, t := range versions {
		if t.Spec.Version == version {
			return t, true
		}
	}
	return nil, false
}

// Specs gives the specs of all types, ordered by name and version.
func (r *Registry) Specs() []Spec {
	r.mu.RLock()
	defer r.mu.RUnlock()
	specs := make([]Spec, 0, len(r.types))
	for _, versions := range r.types {
		for _, t := range versions {
			specs = append(specs, t.Spec)
		}
	}
	slices.SortFunc(specs, func(a, b Spec) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Version, b.Version))
	})
	return specs
}

// Names gives the names of all types with their versions, "core.set@1", sorted.
func (r *Registry) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.names)
}
