//go:build linux || darwin

package faulttest_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowforge-go/flowforge"
)

// What the runs of a plan are in the middle of. A lost attempt is not to fail them, however many faults there are.
const (
	planned = `
name: planned
settings: {concurrency: {limit: 3, key: "{{ input.number % KEYS }}"}}
nodes:
  - {id: a, type: test.effect, retry: {max_lost: 50}}
  - {id: r, type: test.effect, params: {fail: 1}, retry: {max_attempts: 2, initial_interval: 20ms, max_lost: 50}}
  - {id: g, type: test.effect, pool: gpu, params: {takes: 20ms}, retry: {max_lost: 50}}
  - {id: sub, type: core.subworkflow, params: {workflow: inner}}
  - {id: w, type: core.wait, params: {duration: 150ms}}
  - {id: z, type: test.effect, params: {given: "{{ nodes.g.output }}"}, retry: {max_lost: 50}}
connections:
  - {from: a, to: r}
  - {from: r, to: g}
  - {from: g, to: sub}
  - {from: sub, to: w}
  - {from: w, to: z}
`
	throttled = `
name: throttled
settings:
  concurrency: {limit: 3, key: "{{ input.number % KEYS }}", release_while_waiting: true}
  throttle: {limit: RATE, period: 1s}
nodes:
  - {id: a, type: test.effect, params: {takes: 10ms}, retry: {max_lost: 50}}
  - {id: w, type: core.wait, params: {duration: 150ms}}
  - {id: g, type: test.effect, pool: gpu, retry: {max_lost: 50}}
  - {id: z, type: test.effect, params: {given: "{{ nodes.g.output }}"}, retry: {max_lost: 50}}
connections:
  - {from: a, to: w}
  - {from: w, to: g}
  - {from: g, to: z}
`
)

// plan is what happens to three workers, two processes that start runs, Redis, and the ways to PostgreSQL.
type plan struct {
	*world

	redis    *redisServer
	workers  []*member
	starters []*starters
	zombies  []*process
}

// member is a worker and those before it that had to end, with its way to PostgreSQL.
type member struct {
	way   *proxy
	begin func() *process
	now   *process
	gone  []*process
}

func (m *member) again() {
	m.gone = append(m.gone, m.now)
	m.now = m.begin()
}

// newPlan begins one, with runs that a zombie has, and will have until the gate g is opened.
func newPlan(t *testing.T) (p *plan, held []flowforge.RunID) {
	t.Helper()
	p = &plan{world: newWorld(t, onPostgres), redis: newRedis(t)}
	p.publish(document(t, inner))
	p.zombies = []*process{p.spawn("", "-zombie", "-runs", "3")}
	held = p.start(document(t, strings.ReplaceAll(gated, "type: test.effect", "type: test.effect, retry: {max_lost: 50}")), 3)
	p.sink.await(t, "g", len(held))
	for _, pools := range []string{"", "gpu,", "gpu"} {
		way, address := newProxy(t, p.address)
		m := &member{way: way, begin: func() *process { return p.spawnOn(address, "", p.redis.arguments("-pools", pools)...) }}
		m.now = m.begin()
		p.workers = append(p.workers, m)
	}
	return p, held
}

// size gives how many there are of something: FLOWFORGE_FAULTS_<NAME>, or as count.
func size(name string, few, many int) int {
	if given, err := strconv.Atoi(os.Getenv("FLOWFORGE_FAULTS_" + name)); err == nil {
		return given
	}
	return count(few, many)
}

// fault begins a fault, of a worker perhaps, and gives what ends it, and what it is called.
func (p *plan) fault(m *member) (name string, end func()) {
	nothing := func() {}
	switch p.random.IntN(10) {
	case 0:
		m.now.kill()
		m.again()
		return "a worker is killed", nothing
	case 1:
		stopped := m.now
		stopped.signal(syscall.SIGSTOP)
		return "a worker is stopped", func() { stopped.signal(syscall.SIGCONT) }
	case 2:
		m.now.signal(syscall.SIGTERM)
		return "a worker is told to end", func() {
			select {
			case <-m.now.ended:
			case <-time.After(recovery):
				require.FailNow(p.t, "a worker does not end", tail(m.now.log.String()))
			}
			m.again()
		}
	case 3:
		p.redis.flush()
		return "Redis is emptied", nothing
	case 4:
		p.redis.kill()
		return "Redis is away", p.redis.start
	case 5:
		m.way.partition()
		return "a worker is parted from PostgreSQL", m.way.heal
	case 6:
		m.way.cut()
		return "the connections of a worker are cut", m.way.cut
	case 7:
		m.way.loseCommit(1 + p.random.IntN(5))
		return "the answer to a COMMIT is lost", func() { m.way.loseCommit(0) }
	case 8:
		p.starters[p.random.IntN(len(p.starters))].kill()
		return "a starter is killed", nothing
	default:
		zombie := p.spawn("", p.redis.arguments("-zombie", "-runs", "5")...)
		p.zombies = append(p.zombies, zombie)
		return "a zombie comes", zombie.kill
	}
}

// happen lets one or two faults at a time happen, longer or shorter than a lease, as often as that.
func (p *plan) happen(times int) {
	p.t.Helper()
	for range times {
		var names []string
		var ends []func()
		used := map[string]bool{}
		for _, i := range p.random.Perm(len(p.workers))[:1+p.random.IntN(2)] {
			if name, end := p.fault(p.workers[i]); used[name] {
				end()
			} else {
				used[name] = true
				names, ends = append(names, name), append(ends, end)
			}
		}
		lasts := time.Duration(200+p.random.IntN(3_000)) * time.Millisecond
		p.t.Logf("%s for %s", strings.Join(names, ", "), lasts)
		p.pause(p.t, lasts)
		for _, end := range ends {
			end()
		}
		p.requireSound()
		p.pause(p.t, 200*time.Millisecond)
	}
}

// refusals gives how many writes of workers were refused that had lost what they wrote to.
func (p *plan) refusals() int {
	refused := 0
	for _, m := range p.workers {
		for _, one := range append(m.gone, m.now) {
			refused += len(one.out.whole("refused"))
		}
	}
	for _, zombie := range p.zombies {
		refused += len(zombie.out.whole("refused"))
	}
	return refused
}

// awaitGated waits until there were so many effects that wait at the gate.
func (p *plan) awaitGated(many int) {
	p.t.Helper()
	eventually(p.t, recovery, func() string {
		gated := 0
		for _, c := range p.sink.of("g") { // of other workflows, too
			if c.Params.Gate != "" {
				gated++
			}
		}
		if gated < many {
			return fmt.Sprintf("%d effects wait at the gate, want %d", gated, many)
		}
		return ""
	})
}

func (p *plan) awaitRefusals() {
	p.t.Helper()
	eventually(p.t, recovery, func() string {
		if p.refusals() == 0 {
			return "I3: nothing that the zombie wrote was refused"
		}
		return ""
	})
}

// TestARandomPlan lets everything happen at once that may happen to many machines.
func TestARandomPlan(t *testing.T) {
	t.Parallel()
	p, held := newPlan(t)
	many, faults := size("RUNS", 40, 10_000), size("TIMES", 5, 300)
	keys, rate := size("KEYS", 2, 40), size("RATE", 20, 100)
	t.Logf("FLOWFORGE_FAULTS_RUNS=%d FLOWFORGE_FAULTS_TIMES=%d FLOWFORGE_FAULTS_KEYS=%d FLOWFORGE_FAULTS_RATE=%d", many, faults, keys, rate)
	for _, text := range []string{planned, throttled} {
		workflow := document(t, strings.NewReplacer("KEYS", strconv.Itoa(keys), "RATE", strconv.Itoa(rate)).Replace(text))
		p.starters = append(p.starters, p.newStarters(p.address, workflow.Name, workflow, many,
			p.redis.arguments("-at-once", "4", "-watch", "20", "-cancel", "9", "-pause", size0(many))...))
	}
	p.awaitGated(2 * len(held)) // others have them
	p.sink.open("g")
	p.awaitRefusals()
	p.zombies[0].kill() // its clock stands
	p.happen(faults)
	limit := recovery + time.Duration(many/5)*time.Second
	runs := held
	for _, s := range p.starters {
		ids := s.await(limit)
		runs = append(runs, ids...)
		require.Empty(t, s.lines("unavailable"), "a start failed")
	}
	p.check(limit, runs, -1, flowforge.RunSucceeded, flowforge.RunCanceled)
	p.checkPlan(keys)
	t.Logf("%d runs, %d effects, %d calls, %d refusals", len(p.runs()), p.sink.keys(), len(p.sink.all()), p.refusals())
}

// size0 is the pause between starts, so that they last about as long as the faults.
func size0(many int) string {
	return (time.Duration(size("TIMES", 5, 300)) * time.Second / time.Duration(many)).String()
}

// checkPlan checks what only a plan has.
func (p *plan) checkPlan(keys int) {
	p.t.Helper()
	for _, s := range p.starters {
		s.requireNoneLost()
	}
	eventually(p.t, recovery, func() string {
		if left := p.facts(leftLines); len(left) > 0 {
			return fmt.Sprint("lines do not move on: ", left)
		}
		return ""
	})
	p.requireClean()
	p.redis.requireNoHints()
	numbers := map[flowforge.RunID]int{}
	for _, s := range p.starters {
		for key, id := range s.acknowledged() {
			n, err := strconv.Atoi(strings.TrimPrefix(key, s.keys))
			require.NoError(p.t, err)
			numbers[id] = n
		}
	}
	top := 0
	for _, run := range p.runs() {
		if run.Origin == nil && run.Workflow.Name != "gated" {
			top++
		}
	}
	require.Len(p.t, numbers, top, "I1: each key has one run")
	of := func(name string) func(flowforge.Run) string {
		return func(run flowforge.Run) string {
			if run.Workflow.Name != name {
				return ""
			}
			return fmt.Sprint(name, "/", numbers[run.ID]%keys)
		}
	}
	p.checkOverlaps(3, false, of("planned"))
	p.checkOverlaps(3, true, of("throttled"))
}
