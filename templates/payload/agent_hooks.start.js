require("./lib/agent-hooks/optin").reconcileAtBoot();
