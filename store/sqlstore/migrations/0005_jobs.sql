ALTER TABLE schedules ADD COLUMN state {text} NOT NULL DEFAULT 'null';
ALTER TABLE schedules ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

CREATE TABLE jobs (
	workspace {text} NOT NULL,
	kind {text} NOT NULL,
	id {text} NOT NULL,
	payload {text},
	due_at BIGINT,
	attempts BIGINT NOT NULL,
	epoch BIGINT NOT NULL,
	worker {text},
	error {text},
	PRIMARY KEY (workspace, kind, id)
);
CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
