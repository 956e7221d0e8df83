ALTER TABLE runs ADD COLUMN acts_for {text};
ALTER TABLE versions ADD COLUMN published_by {text};
