stmts.setSessionHarness = db.prepare("UPDATE sessions SET harness = ? WHERE id = ? AND harness <> ?");
