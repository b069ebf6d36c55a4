require("./lib/agent-cli/watcher").followed.push(require("./lib/claude-gaps").transcripts);
