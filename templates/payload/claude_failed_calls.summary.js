summary = require("../lib/claude-failures").summaryOf(data, toolName, summary);
