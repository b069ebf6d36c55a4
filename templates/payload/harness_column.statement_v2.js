stmts.setSessionHarness = db.prepare("UPDATE sessions SET provider = ? WHERE id = ? AND provider <> ?");
