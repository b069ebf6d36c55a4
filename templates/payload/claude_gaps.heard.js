require("../lib/claude-gaps").heard(data, eventType, agentId);
