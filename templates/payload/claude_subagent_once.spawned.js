const spawned = require("../server/lib/claude-subagents").spawnedBy(dbModule.db, sessionId, subData.toolEvents);
if (spawned) return spawned;
