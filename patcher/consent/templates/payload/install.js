if (require.main !== module) return require("../server/lib/agent-hooks/claude").follow();
return require("../server/lib/agent-hooks/claude").chooseAndSay();
