require("./lib/agent-cli/watcher").stopAgentWatcher();
