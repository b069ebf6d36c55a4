if (require("../server/lib/claude-gaps").tellsCalls(session.sessionId)) continue;
