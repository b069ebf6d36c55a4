// How each event was captured, and which logical event it is: the database keeps it to one row (NULL never conflicts).
for (const column of ["capture", "event_key"]) {
  if (!db.prepare("SELECT 1 FROM pragma_table_info('events') WHERE name = ?").get(column)) {
    db.exec(`ALTER TABLE events ADD COLUMN ${column} TEXT`);
  }
}
db.exec("CREATE UNIQUE INDEX IF NOT EXISTS idx_events_key ON events(session_id, event_key)");
