package sqlstore

// SchemaVersion gives the number of the newest migration, which the database of an open store has.
func (s *Store) SchemaVersion() (int64, error) {
	all, err := allMigrations()
	if err != nil {
		return 0, err
	}
	return all[len(all)-1].version, nil
}
