require("./lib/codex-watcher").startCodexWatcher();
