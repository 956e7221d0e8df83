package redis

import (
	"context"
	"strings"
	"time"

	redigo "github.com/gomodule/redigo/redis"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/flowforge-go/flowforge"
)

// answerTime bounds connecting and each answer, where the URL does not say otherwise.
const answerTime = time.Second

// Of the connections that gocraft/work uses.
const (
	maxIdle  = 8
	idleTime = time.Minute
)

const urlForms = "redis://USER:PASSWORD@HOST:PORT/DB, rediss:// for TLS, " +
	"or redis+sentinel://USER:PASSWORD@HOST:PORT/DB?master_name=NAME&addr=HOST:PORT"

// dial makes a client for a URL; it connects when it is used.
func dial(url string) (*redis.Client, error) {
	scheme, rest, _ := strings.Cut(url, "://")
	base, kind, _ := strings.Cut(scheme, "+")
	if base != "redis" && base != "rediss" {
		return nil, wrongURL("it must be %s", urlForms)
	}
	switch kind {
	case "":
		options, err := redis.ParseURL(url)
		if err != nil {
			return nil, wrongURL("%w: it must be %s", err, urlForms)
		}
		bound(&options.DialTimeout, &options.ReadTimeout, &options.WriteTimeout)
		options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
		options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		return redis.NewClient(options), nil
	case "sentinel":
		options, err := redis.ParseFailoverURL(base + "://" + rest)
		if err != nil {
			return nil, wrongURL("%w: it must be %s", err, urlForms)
		}
		if options.MasterName == "" {
			return nil, wrongURL("it names no master: add ?master_name=NAME")
		}
		bound(&options.DialTimeout, &options.ReadTimeout, &options.WriteTimeout)
		options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
		options.Username, options.Password = options.SentinelUsername, options.SentinelPassword
		return redis.NewFailoverClient(options), nil
	case "cluster":
		return nil, errCluster()
	default:
		return nil, wrongURL("it must be %s", urlForms)
	}
}

func bound(times ...*time.Duration) {
	for _, one := range times {
		if *one == 0 {
			*one = answerTime
		}
	}
}

func wrongURL(format string, args ...any) error {
	return flowforge.Errorf(flowforge.CodeInvalidInput, "the URL of Redis cannot be used: "+format, args...)
}

func errCluster() error {
	return flowforge.Errorf(flowforge.CodeInvalidInput,
		"this is a Redis Cluster, whose nodes cannot take a job from several lists at once: "+
			"use a single Redis, or one with sentinels (redis+sentinel://); it keeps little, and nothing of worth")
}

// refuseCluster asks Redis whether it is a cluster; one that is away is none.
func refuseCluster(ctx context.Context, client *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	info, err := client.Info(ctx, "cluster").Result()
	if err == nil && strings.Contains(info, "cluster_enabled:1") {
		return errCluster()
	}
	return nil
}

// connect makes a connection for gocraft/work in the way in which the client makes its own: sentinels and TLS are
// its matter.
func (q *Queue) connect() (redigo.Conn, error) {
	options := q.client.Options()
	ctx, cancel := context.WithTimeout(context.Background(), options.DialTimeout)
	defer cancel()
	raw, err := options.Dialer(ctx, options.Network, options.Addr)
	if err != nil {
		return nil, err
	}
	conn := redigo.NewConn(raw, options.ReadTimeout, options.WriteTimeout)
	greet := func() error {
		if options.Password != "" {
			secret := redigo.Args{}
			if options.Username != "" {
				secret = secret.Add(options.Username)
			}
			if _, err := conn.Do("AUTH", secret.Add(options.Password)...); err != nil {
				return err
			}
		}
		_, err := conn.Do("SELECT", options.DB)
		return err
	}
	if err := greet(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
