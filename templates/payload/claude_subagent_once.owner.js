agentId = require("../lib/claude-subagents").ownerOf(data, { agentId, eventType, toolName });
