ALTER TABLE slots ADD COLUMN span BIGINT NOT NULL DEFAULT 0;
ALTER TABLE slots ADD COLUMN until BIGINT;
CREATE INDEX slots_until ON slots (until) WHERE until IS NOT NULL;
CREATE INDEX freed_at ON freed (at);

DROP INDEX runs_line;
CREATE INDEX runs_line ON runs (workspace, line, rank, since, id) WHERE line IS NOT NULL;

CREATE TABLE gatherings (
	workspace {text} NOT NULL,
	key {text} NOT NULL,
	run {text} NOT NULL,
	inputs INTEGER NOT NULL,
	PRIMARY KEY (workspace, key)
);
CREATE INDEX messages_input ON messages (workspace, id) WHERE kind = 'input';

CREATE TABLE quotas (
	workspace {text} NOT NULL PRIMARY KEY,
	weight INTEGER NOT NULL,
	queued INTEGER NOT NULL,
	running INTEGER NOT NULL
);

DROP INDEX runs_due;
CREATE INDEX runs_fresh ON runs (pool, rank, workspace, due_at) WHERE due_at IS NOT NULL AND started_at IS NULL;
