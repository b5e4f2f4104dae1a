/** Who holds a table of this database, or waits for it, as a relation to select from. In other databases of the server the same oids are other tables. */
export const LOCKS = `(SELECT pid, relation, granted, application_name, backend_type FROM pg_locks JOIN pg_stat_activity USING (pid)
  WHERE datname = current_database()) AS locks`;
