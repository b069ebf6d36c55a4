require("../server/lib/claude-subagents").told(db, sessionId)
