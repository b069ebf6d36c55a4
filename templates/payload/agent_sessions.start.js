require("./lib/agent-cli/watcher").startAgentWatcher();
