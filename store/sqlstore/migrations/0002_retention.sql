CREATE INDEX runs_finished ON runs (workspace, status, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX runs_document ON runs (workspace, document);
CREATE INDEX workflows_document ON workflows (workspace, document);
CREATE INDEX versions_document ON versions (workspace, document);

ALTER TABLE blobs ADD COLUMN stored_at BIGINT NOT NULL DEFAULT 0;

CREATE TABLE blob_refs (
	workspace {text} NOT NULL,
	run {text} NOT NULL,
	hash {text} NOT NULL,
	PRIMARY KEY (workspace, run, hash)
);
CREATE INDEX blob_refs_hash ON blob_refs (workspace, hash);

CREATE TABLE litter (
	workspace {text} NOT NULL,
	kind {text} NOT NULL,
	hash {text} NOT NULL,
	due_at BIGINT NOT NULL,
	PRIMARY KEY (workspace, kind, hash)
);
CREATE INDEX litter_due ON litter (due_at);
