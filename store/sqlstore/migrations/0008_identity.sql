CREATE TABLE users (
	id {text} NOT NULL PRIMARY KEY,
	kind {text} NOT NULL,
	workspace {text} NOT NULL,
	email {text},
	name {text} NOT NULL,
	password {text} NOT NULL,
	verified INTEGER NOT NULL,
	disabled INTEGER NOT NULL,
	admin INTEGER NOT NULL,
	totp {bytes},
	totp_confirmed INTEGER NOT NULL,
	totp_step BIGINT NOT NULL,
	recovery {text} NOT NULL,
	token_version BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	signed_in_at BIGINT,
	revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email) WHERE email IS NOT NULL;

CREATE TABLE user_links (
	issuer {text} NOT NULL,
	subject {text} NOT NULL,
	user_id {text} NOT NULL REFERENCES users (id),
	PRIMARY KEY (issuer, subject)
);

CREATE TABLE workspaces (
	id {text} NOT NULL PRIMARY KEY,
	name {text} NOT NULL,
	created_at BIGINT NOT NULL,
	closed_at BIGINT,
	revision BIGINT NOT NULL
);

CREATE TABLE members (
	workspace {text} NOT NULL REFERENCES workspaces (id),
	user_id {text} NOT NULL REFERENCES users (id),
	role {text} NOT NULL,
	added_at BIGINT NOT NULL,
	PRIMARY KEY (workspace, user_id)
);
CREATE INDEX members_user ON members (user_id, workspace);

CREATE TABLE invitations (
	workspace {text} NOT NULL REFERENCES workspaces (id),
	id {text} NOT NULL,
	email {text} NOT NULL,
	role {text} NOT NULL,
	invited_by {text} NOT NULL,
	hash {bytes} NOT NULL UNIQUE,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	accepted_at BIGINT,
	PRIMARY KEY (workspace, id)
);
CREATE INDEX invitations_expires ON invitations (expires_at);

CREATE TABLE sessions (
	id {text} NOT NULL PRIMARY KEY,
	user_id {text} NOT NULL REFERENCES users (id),
	hash {bytes} NOT NULL UNIQUE,
	agent {text} NOT NULL,
	address {text} NOT NULL,
	created_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	idle_until BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	revoked_at BIGINT
);
CREATE INDEX sessions_user ON sessions (user_id, created_at);
CREATE INDEX sessions_idle ON sessions (idle_until);

CREATE TABLE spent_tokens (
	hash {bytes} NOT NULL PRIMARY KEY,
	session {text} NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
	next {bytes} NOT NULL
);
CREATE INDEX spent_tokens_session ON spent_tokens (session);

CREATE TABLE one_times (
	hash {bytes} NOT NULL PRIMARY KEY,
	purpose {text} NOT NULL,
	user_id {text} NOT NULL,
	data {text} NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	taken_at BIGINT
);
CREATE INDEX one_times_user ON one_times (user_id, purpose);
CREATE INDEX one_times_expires ON one_times (expires_at);

CREATE TABLE api_keys (
	id {text} NOT NULL PRIMARY KEY,
	workspace {text} NOT NULL REFERENCES workspaces (id),
	user_id {text} NOT NULL REFERENCES users (id),
	created_by {text} NOT NULL,
	name {text} NOT NULL,
	hash {bytes} NOT NULL,
	scopes {text} NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT,
	used_at BIGINT,
	revoked_at BIGINT
);
CREATE INDEX api_keys_workspace ON api_keys (workspace, id);

CREATE TABLE signing_keys (
	id INTEGER NOT NULL PRIMARY KEY,
	revision BIGINT NOT NULL,
	keys {text} NOT NULL
);

CREATE TABLE data_keys (
	workspace {text} NOT NULL,
	number BIGINT NOT NULL,
	root {text} NOT NULL,
	sealed {bytes} NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (workspace, number)
);

CREATE TABLE credentials (
	workspace {text} NOT NULL,
	id {text} NOT NULL,
	name {text} NOT NULL,
	type {text} NOT NULL,
	hosts {text} NOT NULL,
	data_key BIGINT NOT NULL,
	sealed {bytes} NOT NULL,
	created_by {text} NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	PRIMARY KEY (workspace, id),
	UNIQUE (workspace, name),
	FOREIGN KEY (workspace, data_key) REFERENCES data_keys (workspace, number)
);

CREATE TABLE audit (
	workspace {text} NOT NULL,
	seq BIGINT NOT NULL,
	at BIGINT NOT NULL,
	kind {text} NOT NULL,
	user_id {text} NOT NULL,
	session {text} NOT NULL,
	key_id {text} NOT NULL,
	action {text} NOT NULL,
	target {text} NOT NULL,
	detail {text} NOT NULL,
	address {text} NOT NULL,
	request {text} NOT NULL,
	prev {bytes},
	hash {bytes} NOT NULL,
	PRIMARY KEY (workspace, seq)
);

CREATE TABLE audit_heads (
	workspace {text} NOT NULL PRIMARY KEY,
	seq BIGINT NOT NULL,
	hash {bytes}
);
