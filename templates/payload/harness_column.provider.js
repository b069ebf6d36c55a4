require("./lib/harness-column").mirrorProvider(db);
