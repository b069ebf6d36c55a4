require("../lib/agent-hooks/claude").choose();
