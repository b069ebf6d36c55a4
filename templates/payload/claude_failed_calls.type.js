hookType = require("../lib/claude-failures").recordedAs(hookType, data);
