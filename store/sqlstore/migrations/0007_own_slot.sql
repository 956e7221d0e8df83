ALTER TABLE runs ADD COLUMN slot {text};
ALTER TABLE runs ADD COLUMN places BIGINT;
CREATE INDEX runs_slot ON runs (workspace, slot, id) WHERE slot IS NOT NULL;

{postgres} CREATE FUNCTION flowforge_awaited(tenant TEXT, slot_key TEXT) RETURNS BOOLEAN LANGUAGE plpgsql STABLE AS $$ BEGIN
	RETURN EXISTS (SELECT 1 FROM runs l WHERE l.workspace = tenant AND l.line = slot_key); END $$;

{postgres} CREATE FUNCTION flowforge_taken(tenant TEXT, slot_key TEXT, wanted BIGINT, most BIGINT, now BIGINT)
	RETURNS BOOLEAN LANGUAGE plpgsql STABLE SET enable_bitmapscan = off AS $$ BEGIN
	RETURN wanted + (SELECT count(*) FROM slots h WHERE h.workspace = tenant AND h.key = slot_key AND h.held = 1)
			+ (SELECT count(*) FROM (
				SELECT 1 FROM runs h WHERE h.workspace = tenant AND h.slot = slot_key LIMIT most
			) o) > most
		OR EXISTS (SELECT 1 FROM runs l WHERE l.workspace = tenant AND l.line = slot_key)
		OR EXISTS (SELECT 1 FROM runs d WHERE d.workspace = tenant AND d.lacks > 0 AND d.due_at <= now)
		OR EXISTS (SELECT 1 FROM freed f WHERE f.workspace = tenant AND f.at <= now); END $$;
