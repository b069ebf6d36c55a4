require("../server/lib/claude-failures").withdraw(settings.hooks, HOOK_TYPES, isOurEntry);
