CREATE TABLE type_sets (
	id BIGINT PRIMARY KEY,
	types {text} NOT NULL
);

CREATE TABLE documents (
	workspace {text} NOT NULL,
	hash {text} NOT NULL,
	text {text} NOT NULL,
	PRIMARY KEY (workspace, hash)
);

CREATE TABLE runs (
	workspace {text} NOT NULL,
	id {text} NOT NULL,
	status {text} NOT NULL,
	reason {text} NOT NULL,
	pool {text} NOT NULL,
	types BIGINT NOT NULL,
	rank SMALLINT NOT NULL,
	seq BIGINT NOT NULL,
	epoch BIGINT NOT NULL,
	worker {text},
	due_at BIGINT,
	since BIGINT NOT NULL,
	wake_at BIGINT,
	parked SMALLINT NOT NULL,
	lost INTEGER NOT NULL,
	steps BIGINT NOT NULL,
	logs BIGINT NOT NULL,
	journal BIGINT NOT NULL,
	received BIGINT NOT NULL,
	unread INTEGER NOT NULL,
	cancels INTEGER NOT NULL,
	tasks SMALLINT NOT NULL,
	slots SMALLINT NOT NULL,
	releases SMALLINT NOT NULL,
	lacks SMALLINT NOT NULL,
	line {text},
	created_at BIGINT NOT NULL,
	started_at BIGINT,
	finished_at BIGINT,
	workflow_id {text} NOT NULL,
	workflow_name {text} NOT NULL,
	workflow_version INTEGER NOT NULL,
	workflow_hash {text} NOT NULL,
	document {text} NOT NULL,
	test SMALLINT NOT NULL,
	priority INTEGER NOT NULL,
	origin_run {text},
	origin {text},
	idempotency_key {text},
	fingerprint {text},
	input {text},
	vars {text},
	output {text},
	error {text},
	PRIMARY KEY (workspace, id)
) {hot};
CREATE UNIQUE INDEX runs_key ON runs (workspace, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_list ON runs (workspace, created_at DESC, id DESC);
CREATE INDEX runs_workflow ON runs (workspace, workflow_name, created_at DESC, id DESC);
CREATE INDEX runs_live ON runs (workspace, status, created_at DESC, id DESC) WHERE status NOT IN ('succeeded');
CREATE INDEX runs_origin ON runs (workspace, origin_run) WHERE origin_run IS NOT NULL;
CREATE INDEX runs_due ON runs (pool, rank, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_wake ON runs (pool, due_at) WHERE due_at IS NOT NULL AND worker IS NULL;
CREATE INDEX runs_lack ON runs (workspace, due_at) WHERE due_at IS NOT NULL AND lacks > 0;
CREATE INDEX runs_line ON runs (workspace, line, since, id) WHERE line IS NOT NULL;
CREATE INDEX runs_unread ON runs (worker) WHERE worker IS NOT NULL AND unread > 0;

CREATE TABLE steps (
	workspace {text} NOT NULL,
	run {text} NOT NULL,
	to_seq BIGINT NOT NULL,
	n BIGINT NOT NULL,
	events {text},
	journal {bytes},
	PRIMARY KEY (workspace, run, to_seq, n)
) {packed};

CREATE TABLE node_runs (
	workspace {text} NOT NULL,
	run {text} NOT NULL,
	node {text} NOT NULL,
	element {text} NOT NULL,
	n BIGINT NOT NULL,
	status {text} NOT NULL,
	final SMALLINT NOT NULL,
	attempts INTEGER NOT NULL,
	started_at BIGINT,
	finished_at BIGINT,
	dropped SMALLINT NOT NULL,
	ports {text},
	rest {text},
	output {text},
	PRIMARY KEY (workspace, run, node, element)
) {packed};
CREATE UNIQUE INDEX node_runs_order ON node_runs (workspace, run, n);

CREATE TABLE logs (
	workspace {text} NOT NULL,
	run {text} NOT NULL,
	n BIGINT NOT NULL,
	line {text} NOT NULL,
	PRIMARY KEY (workspace, run, n)
) {packed};

CREATE TABLE messages (
	workspace {text} NOT NULL,
	run {text} NOT NULL,
	id {text} NOT NULL,
	n BIGINT NOT NULL,
	kind {text} NOT NULL,
	at BIGINT,
	unread SMALLINT NOT NULL,
	payload {text},
	PRIMARY KEY (workspace, run, id)
) {packed};
CREATE INDEX messages_unread ON messages (workspace, run, n) WHERE unread = 1;

CREATE TABLE slots (
	workspace {text} NOT NULL,
	run {text} NOT NULL,
	key {text} NOT NULL,
	n INTEGER NOT NULL,
	places BIGINT NOT NULL,
	releases SMALLINT NOT NULL,
	held SMALLINT NOT NULL,
	since BIGINT,
	PRIMARY KEY (workspace, run, key)
);
CREATE INDEX slots_held ON slots (workspace, key) WHERE held = 1;

CREATE TABLE freed (
	n {counter},
	workspace {text} NOT NULL,
	key {text} NOT NULL,
	at BIGINT NOT NULL
);

CREATE TABLE tasks (
	id {text} NOT NULL PRIMARY KEY,
	workspace {text} NOT NULL,
	run {text} NOT NULL,
	node {text} NOT NULL,
	element {text} NOT NULL,
	pool {text} NOT NULL,
	node_type {text} NOT NULL,
	rank SMALLINT NOT NULL,
	epoch BIGINT NOT NULL,
	worker {text},
	due_at BIGINT,
	since BIGINT NOT NULL,
	canceled SMALLINT NOT NULL,
	finished SMALLINT NOT NULL,
	call {text}
);
CREATE INDEX tasks_run ON tasks (workspace, run);
CREATE INDEX tasks_due ON tasks (pool, rank, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE workflows (
	workspace {text} NOT NULL,
	id {text} NOT NULL,
	name {text} NOT NULL,
	newest INTEGER NOT NULL,
	published INTEGER NOT NULL,
	document {text} NOT NULL,
	saved_at BIGINT,
	PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX workflows_name ON workflows (workspace, name);

CREATE TABLE versions (
	workspace {text} NOT NULL,
	workflow {text} NOT NULL,
	version INTEGER NOT NULL,
	document {text} NOT NULL,
	saved_at BIGINT,
	PRIMARY KEY (workspace, workflow, version),
	FOREIGN KEY (workspace, workflow) REFERENCES workflows (workspace, id)
);

CREATE TABLE blobs (
	workspace {text} NOT NULL,
	hash {text} NOT NULL,
	size BIGINT NOT NULL,
	data {bytes} NOT NULL,
	PRIMARY KEY (workspace, hash)
);

CREATE TABLE variables (
	workspace {text} NOT NULL,
	name {text} NOT NULL,
	value {text} NOT NULL,
	PRIMARY KEY (workspace, name)
);

CREATE TABLE schedules (
	workspace {text} NOT NULL,
	id {text} NOT NULL,
	next_at BIGINT,
	definition {text},
	PRIMARY KEY (workspace, id)
);
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE retention (
	workspace {text} NOT NULL,
	status {text} NOT NULL,
	keep BIGINT NOT NULL,
	PRIMARY KEY (workspace, status)
);
