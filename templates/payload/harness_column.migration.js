// Which agent command line a session belongs to. Additive: safe on an existing database, and when run twice.
if (!db.prepare("SELECT 1 FROM pragma_table_info('sessions') WHERE name = 'harness'").get()) {
  db.exec("ALTER TABLE sessions ADD COLUMN harness TEXT NOT NULL DEFAULT 'claude'");
}
db.exec("CREATE INDEX IF NOT EXISTS idx_sessions_harness ON sessions(harness)");
