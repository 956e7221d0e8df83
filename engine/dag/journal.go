package dag

import (
	"encoding/binary"

	"github.com/flowforge-go/flowforge"
)

// JournalVersion names the form of encoded events and how a State answers them. What was written under one
// version leads to the same state under the same version only.
const JournalVersion = "1"

// What an encoded event has beside its kind and its Ref.
const (
	hasPermanent = 1 << iota
	hasMore
	hasPorts
	hasCode
	hasCount
)

// Append appends the event to a journal, for ReadEvent to read.
func (e *Event) Append(journal []byte) []byte {
	var has byte
	set := func(condition bool, bit byte) {
		if condition {
			has |= bit
		}
	}
	set(e.Permanent, hasPermanent)
	set(e.More, hasMore)
	set(len(e.Ports) > 0, hasPorts)
	set(e.Code != "", hasCode)
	set(e.Count != 0 || e.Parallel != 0, hasCount)
	journal = append(journal, byte(e.Kind), has)
	journal = binary.AppendVarint(journal, int64(e.At.Frame))
	journal = binary.AppendVarint(journal, int64(e.At.Node))
	journal = binary.AppendVarint(journal, int64(e.At.Element))
	if has&hasPorts != 0 {
		journal = binary.AppendVarint(journal, int64(len(e.Ports)))
		for _, port := range e.Ports {
			journal = binary.AppendVarint(journal, int64(port))
		}
	}
	if has&hasCode != 0 {
		journal = binary.AppendVarint(journal, int64(len(e.Code)))
		journal = append(journal, e.Code...)
	}
	if has&hasCount != 0 {
		journal = binary.AppendVarint(journal, int64(e.Count))
		journal = binary.AppendVarint(journal, int64(e.Parallel))
	}
	return journal
}

// ReadEvent reads the event that a journal begins with, and gives the rest.
func ReadEvent(journal []byte) (event Event, rest []byte, err error) {
	r := reader{rest: journal}
	event.Kind = EventKind(r.byte())
	has := r.byte()
	event.At = Ref{Frame: r.int(), Node: r.int(), Element: r.int()}
	event.Permanent, event.More = has&hasPermanent != 0, has&hasMore != 0
	if has&hasPorts != 0 {
		for range r.length() {
			event.Ports = append(event.Ports, r.int())
		}
	}
	if has&hasCode != 0 {
		n := r.length()
		event.Code = flowforge.Code(r.rest[:n])
		r.rest = r.rest[n:]
	}
	if has&hasCount != 0 {
		event.Count, event.Parallel = r.int(), r.int()
	}
	if r.broken || event.Kind > lastEvent {
		return Event{}, nil, flowforge.Errorf(flowforge.CodeInvalidValue, "the journal is damaged")
	}
	return event, r.rest, nil
}

// reader reads numbers; after the end they are 0.
type reader struct {
	rest   []byte
	broken bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.broken = true
		return 0
	}
	first := r.rest[0]
	r.rest = r.rest[1:]
	return first
}

func (r *reader) int() int32 {
	value, size := binary.Varint(r.rest)
	if size <= 0 || int64(int32(value)) != value { //nolint:gosec // That it fits is what is checked.
		r.rest, r.broken = nil, true
		return 0
	}
	r.rest = r.rest[size:]
	return int32(value) //nolint:gosec // It fits.
}

// length reads how many follow, at most as many as there are bytes.
func (r *reader) length() int32 {
	n := r.int()
	if n < 0 || int(n) > len(r.rest) {
		r.rest, r.broken = nil, true
		return 0
	}
	return n
}
