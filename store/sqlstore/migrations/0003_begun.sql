CREATE INDEX runs_begun ON runs (pool, rank, due_at) WHERE due_at IS NOT NULL AND started_at IS NOT NULL;
