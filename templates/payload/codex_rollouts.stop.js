require("./lib/codex-watcher").stopCodexWatcher();
