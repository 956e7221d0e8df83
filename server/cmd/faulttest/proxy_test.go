//go:build linux || darwin

package faulttest_test

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxy stands between a worker and PostgreSQL.
type proxy struct {
	target string

	mu      sync.Mutex
	conns   map[*link]bool
	delay   time.Duration // of each request and each answer
	hole    chan struct{} // nothing passes until it is closed; nil: all does
	commits int           // until the answer to a COMMIT is lost; 0: none is
	cuts    int           // answers lost
}

// link is a connection through the proxy.
type link struct {
	client, server net.Conn
	mu             sync.Mutex
	doomed         bool // the next answer is lost
}

// newProxy gives a proxy to the server of an address, and the address through it.
func newProxy(t *testing.T, address string) (*proxy, string) {
	t.Helper()
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{target: parsed.Host, conns: map[*link]bool{}}
	var all sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		p.heal()
		p.cut()
		all.Wait()
	})
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", p.target)
			if err != nil {
				client.Close()
				continue
			}
			l := &link{client: client, server: server}
			p.mu.Lock()
			p.conns[l] = true
			p.mu.Unlock()
			all.Go(func() { p.pass(l, client, server, true) })
			all.Go(func() { p.pass(l, server, client, false) })
		}
	})
	parsed.Host = listener.Addr().String()
	return p, parsed.String()
}

// pass passes on what comes, as the proxy is told to.
func (p *proxy) pass(l *link, from, to net.Conn, asks bool) {
	defer p.close(l)
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		delay, hole := p.toxics()
		if delay > 0 {
			<-time.After(delay)
		}
		if hole != nil {
			<-hole
		}
		if asks && bytes.Contains(buffer[:n], []byte("COMMIT")) {
			p.doom(l)
		}
		if !asks && l.isDoomed() {
			return // the server has done it, and nobody will know
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) toxics() (time.Duration, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay, p.hole
}

func (p *proxy) doom(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.commits == 0 {
		return
	}
	if p.commits--; p.commits > 0 {
		return
	}
	p.cuts++
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doomed = true
}

func (l *link) isDoomed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.doomed
}

func (p *proxy) close(l *link) {
	l.client.Close()
	l.server.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, l)
}

// cut cuts all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.conns {
		l.client.Close()
		l.server.Close()
	}
}

// loseCommit lets the answer to the n-th COMMIT from now on be lost.
func (p *proxy) loseCommit(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commits = n
}

// lost gives how many answers were lost.
func (p *proxy) lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// slow delays each request and each answer.
func (p *proxy) slow(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = by
}

// partition lets nothing pass, and nobody notices it.
func (p *proxy) partition() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hole = make(chan struct{})
}

// heal ends a partition: what was sent arrives after all.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hole != nil {
		close(p.hole)
		p.hole = nil
	}
}
