if (require("./lib/agent-hooks/claude").isOn()) console.log("Claude Code hooks auto-configured.");
