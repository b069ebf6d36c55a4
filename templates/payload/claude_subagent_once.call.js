require("../server/lib/claude-subagents").rememberCall(toolEvents, filePath);
